#include "rules/active_rule.h"

#include "http/json.h"

#include <algorithm>
#include <array>
#include <sys/wait.h>
#include <utility>

namespace vb::rules {

// As it goes to the event stream.
struct ActiveRule::Report {
    std::string rule;
    std::string device;
    std::int64_t time = 0; // milliseconds of Unix time
    glz::raw_json value;
    glz::raw_json before;
    std::uint64_t count = 0;
    std::optional<std::string> answer;
    std::int64_t milliseconds = 0; // from the event to the answer
    std::optional<std::uint64_t> written;
    std::optional<int> status; // of the program
    std::optional<std::string> error;

    static constexpr std::array<std::string_view, 4> left_out{"answer", "written", "status", "error"};
};

// Takes the answer from the engine's thread to the loop's. The rule may be gone by then.
class ActiveRule::Answer final : public engine::Receiver {
  public:
    Answer(http::Mailbox& mailbox, std::weak_ptr<ActiveRule> rule)
        : mailbox_(mailbox), rule_(std::move(rule)) {}

    void text(std::string_view piece) override { text_ += piece; }
    void finished(const engine::Result<engine::Outcome>& outcome) override {
        mailbox_.post([rule = std::move(rule_), text = std::move(text_), outcome] {
            if (const auto waiting = rule.lock()) { waiting->answered(text, outcome); }
        });
    }

  private:
    http::Mailbox& mailbox_;
    std::weak_ptr<ActiveRule> rule_;
    std::string text_;
};

ActiveRule::ActiveRule(const Surroundings& surroundings, config::Rule rule, Devices& devices,
                       std::function<void()> device_lost)
    : surroundings_(surroundings), rule_(std::move(rule)), devices_(devices),
      device_lost_(std::move(device_lost)), limit_(rule_.limit, base::monotonic_now()) {}

ActiveRule::~ActiveRule() = default;

void ActiveRule::engine_ready() {
    is_busy_ = false;
    if (waiting_) { occurred(*std::exchange(waiting_, {})); }
}

void ActiveRule::end() {
    has_ended_ = true;
    stop_watching();
    command_.reset();
    if (ticket_) { surroundings_.backend.cancel(*ticket_); }
}

base::Result<> ActiveRule::watch(std::shared_ptr<OpenDevice> device) {
    auto source = rules::watch(surroundings_.loop, rule_, std::move(device), *this);
    if (!source) { return std::unexpected(source.error()); }
    source_ = *std::move(source);
    return {};
}

void ActiveRule::occurred(const Event& event) {
    if (has_ended_) { return; }
    if (is_busy_) {
        const std::uint64_t waiting = waiting_ ? waiting_->count : 0;
        waiting_ = event;
        waiting_->count += waiting;
        return;
    }
    if (!limit_.take(base::monotonic_now())) {
        if (passed_over_++ == 0) {
            surroundings_.log.warning(rule_.name, ": more than ", rule_.limit,
                                      " events a minute; some are passed over");
        }
        return;
    }
    if (passed_over_ > 0) {
        surroundings_.log.warning(rule_.name, ": ", std::exchange(passed_over_, 0),
                                  " events were passed over");
    }
    ask(event);
}

void ActiveRule::failed(const base::Error& error, bool is_over) {
    surroundings_.log.warning(rule_.name, ": ", base::describe(error).view());
    if (is_over) { device_lost_(); }
}

void ActiveRule::ask(const Event& event) {
    is_busy_ = true;
    asked_ = base::monotonic_now();
    values_ = values_of(rule_, event);
    report_ = std::make_unique<Report>(Report{.rule = rule_.name,
                                              .device = rule_.device,
                                              .time = base::unix_milliseconds(),
                                              .value = event.value.text(),
                                              .before = event.before.text(),
                                              .count = event.count,
                                              .answer = {},
                                              .milliseconds = 0,
                                              .written = {},
                                              .status = {},
                                              .error = {}});
    if (const auto read = read_values(values_); !read) { return give_up(base::describe(read.error())); }
    engine::Request request = question(rule_, values_);
    request.deadline = asked_ + std::chrono::milliseconds(rule_.deadline);
    ticket_ = surroundings_.backend.submit(std::move(request),
                                           std::make_unique<Answer>(surroundings_.mailbox, weak_from_this()));
}

base::Result<> ActiveRule::read_values(Values& values) {
    if (rule_.values.empty()) { return {}; }
    const auto device = devices_.open(rule_.device);
    if (!device) { return std::unexpected(device.error()); }
    for (const auto& [name, offset] : rule_.values) {
        const auto value = (*device)->read(rule_.region, offset, rule_.type, ~std::uint64_t{0});
        if (!value) { return std::unexpected(value.error()); }
        values.insert_or_assign(name, value->text());
    }
    return {};
}

void ActiveRule::answered(std::string_view text, const engine::Result<engine::Outcome>& outcome) {
    ticket_.reset();
    if (has_ended_) { return; }
    if (!outcome) { return give_up(outcome.error().message); }
    if (outcome->finish == engine::Finish::deadline) {
        base::Text<63> why;
        return give_up(why << "no answer within " << rule_.deadline << " ms");
    }
    if (outcome->finish == engine::Finish::cancelled) { return give_up("the question was cancelled"); }
    using std::chrono::duration_cast, std::chrono::milliseconds;
    report_->milliseconds = duration_cast<milliseconds>(base::monotonic_now() - asked_).count();
    const std::string answer(base::trimmed(text));
    surroundings_.log.info(rule_.name, ": value ", values_.at("value"), ", before ", values_.at("before"),
                           ": ", http::json(answer), " after ", report_->milliseconds, " ms");
    act(answer);
}

void ActiveRule::act(const std::string& answer) {
    report_->answer = answer;
    values_.insert_or_assign(std::string(config::answer_name), answer);
    if (const auto written = write(answer); !written) { return give_up(base::describe(written.error())); }
    if (rule_.run.empty()) { return finish(); }
    if (const auto running = run(); !running) { give_up(base::describe(running.error())); }
}

base::Result<> ActiveRule::write(const std::string& answer) {
    if (!rule_.write) { return {}; }
    const std::string& name = rule_.written_device();
    const auto value = written_value(*rule_.write, answer);
    if (!value) { return std::unexpected(value.error()); }
    const auto device = devices_.open(name);
    if (!device) { return std::unexpected(device.error()); }
    if (auto done = (*device)->write(*rule_.write, *value); !done) { return done; }
    report_->written = *value;
    surroundings_.log.info(rule_.name, ": wrote ", *value, " to ", name);
    return {};
}

base::Result<> ActiveRule::run() {
    std::vector<std::string> arguments;
    std::ranges::transform(rule_.run, std::back_inserter(arguments),
                           [this](const std::string& text) { return fill(text, values_); });
    auto command = Command::start(surroundings_.loop, arguments, std::chrono::milliseconds(rule_.deadline),
                                  [this](const Command::Ended& ended) { command_ended(ended); });
    if (!command) { return std::unexpected(command.error()); }
    command_ = *std::move(command);
    return {};
}

void ActiveRule::command_ended(const Command::Ended& ended) {
    const int status = WIFSIGNALED(ended.status) ? 128 + WTERMSIG(ended.status) : WEXITSTATUS(ended.status);
    base::Text<255> why(rule_.run.front());
    if (!ended.is_known) { return give_up(why << " has ended, and somebody else has its status"); }
    report_->status = status;
    if (ended.was_late) { return give_up(why << " was killed after " << rule_.deadline << " ms"); }
    if (status != 0) { return give_up(why << " ended with status " << status); }
    finish();
}

void ActiveRule::give_up(std::string_view why) {
    surroundings_.log.warning(rule_.name, ": ", why);
    report_->error = why;
    finish();
}

void ActiveRule::finish() {
    const auto report = std::exchange(report_, nullptr);
    if (rule_.publish) { surroundings_.events.publish("rule", http::json(*report)); }
    is_busy_ = false;
    // By the loop, not from here: an answer that comes at once would otherwise call itself.
    surroundings_.mailbox.post([waiting = weak_from_this()] {
        const auto rule = waiting.lock();
        if (rule && !rule->is_busy_ && rule->waiting_) { rule->occurred(*std::exchange(rule->waiting_, {})); }
    });
}

} // namespace vb::rules
