// One rule at work: an event becomes a question to the model, its answer a write, a program, a line of the journal and an
// event on the stream. It asks one question at a time; what happens meanwhile is one event that comes next, with the
// latest values. Belongs to the event loop's thread.
#pragma once

#include "base/log.h"
#include "http/backend.h"
#include "http/event_stream.h"
#include "http/mailbox.h"
#include "rules/command.h"
#include "rules/devices.h"
#include "rules/question.h"
#include "rules/rate_limit.h"
#include "rules/source.h"

#include <memory>
#include <optional>

namespace vb::rules {

// What rules work with; all of it outlives them.
struct Surroundings {
    http::EventLoop& loop;
    http::Mailbox& mailbox;
    const base::Log& log;
    http::Backend& backend;
    http::EventStream& events;
};

class ActiveRule final : public Listener, public std::enable_shared_from_this<ActiveRule> {
  public:
    // `device_lost` is called where the device cannot be watched any more. `devices` outlives it.
    ActiveRule(const Surroundings& surroundings, config::Rule rule, Devices& devices,
               std::function<void()> device_lost);
    ~ActiveRule();
    ActiveRule(const ActiveRule&) = delete;
    ActiveRule& operator=(const ActiveRule&) = delete;

    const config::Rule& rule() const noexcept { return rule_; }
    // There is a model. Events that come before wait for it.
    void engine_ready();
    // Asks nothing more, and acts no more.
    void end();

    bool is_watching() const noexcept { return source_ != nullptr; }
    // `device`: null where the rule has none. What went wrong is the caller's to tell.
    base::Result<> watch(std::shared_ptr<OpenDevice> device);
    void stop_watching() noexcept { source_.reset(); }

    void occurred(const Event& event) override;
    void failed(const base::Error& error, bool is_over) override;

  private:
    class Answer;
    struct Report;

    void ask(const Event& event);
    base::Result<> read_values(Values& values);
    void answered(std::string_view text, const engine::Result<engine::Outcome>& outcome);
    void act(const std::string& answer);
    base::Result<> write(const std::string& answer);
    base::Result<> run();
    void command_ended(const Command::Ended& ended);
    void give_up(std::string_view why);
    void finish();

    const Surroundings surroundings_;
    const config::Rule rule_;
    Devices& devices_;
    const std::function<void()> device_lost_;
    RateLimit limit_;
    std::uint64_t passed_over_ = 0; // events, since the limit was met
    bool is_busy_ = true;           // with an event; and until there is a model
    bool has_ended_ = false;
    std::optional<Event> waiting_;
    std::optional<http::Backend::Ticket> ticket_; // of the question that is under way
    base::Nanoseconds asked_{};
    Values values_; // of the event it is busy with
    std::unique_ptr<Report> report_;
    std::unique_ptr<Command> command_; // the last one
    std::unique_ptr<Source> source_;   // the last member: it calls this
};

} // namespace vb::rules
