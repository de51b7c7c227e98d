// Computes the answers to several requests side by side with one model: in each step one batch, in which every
// answer under way gets its next token, and what room there is goes to the prompts in equal parts. What several prompts
// begin with is computed once. Used by one thread, but for interrupt().
#pragma once

#include "engine/answer_text.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "engine/sequences.h"
#include "engine/tally.h"
#include "engine/tool_use.h"

#include <mutex>
#include <optional>

namespace vb::engine {

class Scheduler {
  public:
    using Ticket = Engine::Ticket;

    // timeline, log and tally outlive it; the model does not move. `kept`: tokens of past requests that stay
    // computed.
    Scheduler(std::unique_ptr<Model> model, std::size_t kept, trace::Timeline& timeline, const base::Log& log,
              Tally& tally);
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    std::size_t free_places() const noexcept { return model_->context->parallel() - requests(); }
    bool is_idle() const noexcept { return requests() == 0; }
    // So many are added next.
    void expect(std::size_t requests) { sequences_.expect(requests + followers_.size()); }
    // There must be a free place. What is wrong with the request its receiver hears in here.
    void add(Ticket ticket, const Request& request, std::unique_ptr<Receiver> receiver);
    // Computes one batch, and lets the receivers know what came of it.
    void step();
    // Ends a request that was added; others are ignored.
    void cancel(Ticket ticket);
    void end_all(const Result<Finish>& reason);
    // Lets the tally know what there is now.
    void count();
    // Any thread. Breaks the computation off if it is about the prompt of this request; without one at all, for good.
    void interrupt(std::optional<Ticket> ticket);

    // In scheduler_files.cpp.
    // Computes what every prompt begins with, so that requests need not, and saves it for the next start. For a
    // moment when nobody waits.
    void prepare();
    Result<> save(const std::string& messages, const std::string& path);
    Result<std::string> load(const std::string& path);

  private:
    static constexpr std::int32_t broken_off = 2; // what llama_decode returns
    static constexpr Sequences::Id no_sequence = -1;

    struct Job {
        Ticket ticket;
        std::unique_ptr<Receiver> receiver;
        Tokens tokens; // of the prompt and of the answer
        Sampler sampler;
        AnswerText text;
        std::optional<ToolUse> tools;
        std::optional<std::uint32_t> alternatives;
        std::optional<base::Nanoseconds> deadline;
        std::uint32_t max_tokens;
        bool slides;
        bool is_probe;
        Usage usage;
        Sequences::Id sequence = no_sequence; // until it begins
        // Of a probe's tokens: those that its sequence held, and shall hold again.
        std::size_t borrowed = 0;
        std::size_t now = 0;      // tokens of it in the batch
        std::int32_t logits = -1; // where in the batch those of its last token are; less than 0: not in it
    };

    // Another job that is about to compute what a prompt begins with, and how many tokens of it.
    struct Leader {
        Ticket ticket = 0;
        std::size_t tokens = 0;
    };
    struct Follower {
        Job job;
        Leader leader;
    };

    std::size_t requests() const noexcept { return jobs_.size() + followers_.size(); }
    // With the sequence it needs. If that fails its receiver hears so.
    void begin(Job&& job);
    // Whom it had better wait for.
    std::optional<Leader> leader_of(const Job& job) const;
    // Those whose leader has computed what they share, or is gone.
    void begin_followers();
    // Of its tokens: how many are to be computed next.
    std::size_t wanted(const Job& job) const;
    void fill_batch();
    void write_batch();
    // False: there are no new logits, because it was broken off or failed.
    bool compute();
    std::int32_t decode();
    Result<> make_room();
    void end_newest(const Error& reason);
    std::span<const Token> batch_tokens(const Job& job) const;
    void take_tokens();
    // Nothing while the job goes on.
    std::optional<Result<Finish>> take_token(Job& job);
    Result<Token> choose(Job& job);
    void hand_over(Job& job, std::string_view text);
    void finish(Job& job, const Result<Finish>& reason);
    template <class Condition>
    void end_where(Condition ends, const Result<Finish>& reason);

    Tokens common_prefix() const;
    bool read(Sequences::Id sequence, std::span<const Token> tokens);
    Result<> save_prefix(Sequences::Id sequence);
    Result<StateFile> state_file(const std::string& path) const;
    // What there is of the beginning of `tokens`, and nothing else.
    SavedState computed_of(std::span<const Token> tokens);

    const std::unique_ptr<Model> model_;
    trace::Timeline& timeline_;
    const base::Log& log_;
    Tally& tally_;
    Sequences sequences_;
    std::vector<Job> jobs_; // in the order they began
    std::vector<Follower> followers_;
    SchemaVocabulary schemas_;
    Batch batch_;
    Tokens saved_;              // what the file of the prefix holds
    std::string piece_;         // of one token
    bool first_request_ = true; // only this one goes on the timeline
    std::optional<trace::Span> first_prompt_;

    std::atomic<bool> interrupted_ = false;
    std::mutex mutex_;            // of what follows
    std::vector<Ticket> prompts_; // that are being computed
    bool is_stopping_ = false;
};

} // namespace vb::engine
