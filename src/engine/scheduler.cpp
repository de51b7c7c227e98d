#include "engine/scheduler.h"

#include "engine/vocabulary.h"

#include <algorithm>
#include <utility>

namespace vb::engine {
namespace {

// Tokens of prompts in one batch while answers are under way: how long these wait for their next token.
constexpr std::size_t prompt_share = 128;

// Common to two prompts and worth that the second waits a step for the first.
constexpr std::size_t worth_waiting = 16;

} // namespace

Scheduler::Scheduler(std::unique_ptr<Model> model, std::size_t kept, trace::Timeline& timeline,
                     const base::Log& log, Tally& tally)
    : model_(std::move(model)), timeline_(timeline), log_(log), tally_(tally),
      sequences_(*model_->context, kept, std::exchange(model_->prefix, {}), log),
      schemas_(model_->vocabulary()), batch_(model_->context->batch()), saved_(sequences_.held(0)) {
    jobs_.reserve(model_->context->parallel());
    followers_.reserve(model_->context->parallel());
    model_->context->interrupt_by(interrupted_);
}

void Scheduler::add(Ticket ticket, const Request& request, std::unique_ptr<Receiver> receiver) {
    if (!model_->context->can_generate()) {
        return receiver->finished(refuse("the model computes embeddings, and does not go on with a text"));
    }
    if (!request.is_probe && std::exchange(first_request_, false)) {
        first_prompt_.emplace(timeline_, "engine: prefill");
    }
    auto tokens = prompt_tokens(*model_, request.prompt, model_->context->limit(), request.slides);
    if (!tokens) { return receiver->finished(std::unexpected(std::move(tokens.error()))); }
    auto tools = ToolUse::create(*model_, request);
    if (!tools) { return receiver->finished(std::unexpected(std::move(tools.error()))); }
    auto sampler = Sampler::create(model_->vocabulary(), schemas_, request.sampling, *tokens);
    if (!sampler) { return receiver->finished(std::unexpected(std::move(sampler.error()))); }
    if (*tools) {
        if (auto begun = (*tools)->begin(schemas_, *sampler); !begun) {
            return receiver->finished(std::unexpected(std::move(begun.error())));
        }
    }
    const bool calls_only = *tools && (*tools)->is_required(); // a stop text would cut a call
    Job job{.ticket = ticket,
            .receiver = std::move(receiver),
            .tokens = *std::move(tokens),
            .sampler = *std::move(sampler),
            .text = AnswerText(calls_only ? std::vector<std::string>() : request.stop),
            .tools = *std::move(tools),
            .alternatives = request.alternatives,
            .deadline = request.deadline,
            .max_tokens = request.max_tokens,
            .slides = request.slides,
            .is_probe = request.is_probe,
            .usage = {}};
    if (const auto leader = leader_of(job)) {
        followers_.push_back({.job = std::move(job), .leader = *leader});
    } else {
        begin(std::move(job));
    }
}

void Scheduler::begin(Job&& job) {
    const auto sequence = job.is_probe ? sequences_.borrow() : sequences_.take(job.tokens);
    if (!sequence) { return job.receiver->finished(std::unexpected(sequence.error())); }
    job.sequence = *sequence;
    const Tokens& held = sequences_.held(*sequence);
    job.usage.prompt_tokens = static_cast<std::uint32_t>(job.tokens.size());
    if (job.is_probe) {
        job.borrowed = held.size();
        job.tokens.insert(job.tokens.begin(), held.begin(), held.end());
    } else {
        job.usage.cached_tokens = static_cast<std::uint32_t>(held.size());
        tally_.prompt_tokens += job.usage.prompt_tokens;
        tally_.cached_tokens += job.usage.cached_tokens;
    }
    jobs_.push_back(std::move(job));
}

std::optional<Scheduler::Leader> Scheduler::leader_of(const Job& job) const {
    if (job.is_probe || jobs_.empty() || !model_->context->can_cut()) { return std::nullopt; }
    const std::span<const Token> prompt = std::span(job.tokens).first(job.tokens.size() - 1);
    Leader best;
    for (const Job& other : jobs_) {
        const std::size_t common = common_length(other.tokens, prompt);
        if (!other.is_probe && common > best.tokens) { best = {.ticket = other.ticket, .tokens = common}; }
    }
    if (best.tokens < sequences_.available(job.tokens) + worth_waiting) { return std::nullopt; }
    return best;
}

void Scheduler::begin_followers() {
    for (auto follower = followers_.begin(); follower != followers_.end();) {
        const auto leader = std::ranges::find(jobs_, follower->leader.ticket, &Job::ticket);
        if (leader != jobs_.end() && sequences_.held(leader->sequence).size() < follower->leader.tokens) {
            ++follower;
            continue;
        }
        // With another it may have more in common, which is not computed yet.
        if (const auto next = leader_of(follower->job)) {
            follower->leader = *next;
            ++follower;
            continue;
        }
        begin(std::move(follower->job));
        follower = followers_.erase(follower);
    }
}

void Scheduler::cancel(Ticket ticket) {
    end_where([ticket](const Job& job) { return job.ticket == ticket; }, Finish::cancelled);
}

void Scheduler::end_all(const Result<Finish>& reason) {
    end_where([](const Job&) { return true; }, reason);
}

void Scheduler::count() {
    constexpr auto order = std::memory_order_relaxed;
    tally_.running.store(static_cast<std::uint32_t>(requests()), order);
    tally_.held_tokens.store(sequences_.tokens(), order);
    tally_.token_room.store(sequences_.room(), order);
}

void Scheduler::interrupt(std::optional<Ticket> ticket) {
    const std::scoped_lock lock(mutex_);
    if (!ticket) { is_stopping_ = true; }
    if (!ticket || std::ranges::contains(prompts_, *ticket)) {
        interrupted_.store(true, std::memory_order_relaxed);
    }
}

void Scheduler::step() {
    const base::Nanoseconds now = base::monotonic_now();
    end_where([now](const Job& job) { return job.deadline && *job.deadline <= now; }, Finish::deadline);
    begin_followers();
    if (jobs_.empty()) { return; }
    fill_batch();
    if (compute()) { take_tokens(); }
}

void Scheduler::fill_batch() {
    const std::size_t most = model_->context->batch();
    const auto answering = static_cast<std::size_t>(
        std::ranges::count_if(jobs_, [this](const Job& job) { return wanted(job) == 1; }));
    std::size_t reading = jobs_.size() - answering;
    std::size_t room = answering == 0 ? most : std::min(prompt_share, most - answering);
    for (Job& job : jobs_) {
        job.now = wanted(job);
        if (job.now > 1) {
            job.now = std::min(job.now, room / reading--); // the last one gets what is left
            room -= job.now;
        }
    }
    write_batch();
}

// What others wait for comes first and alone, so that a short prompt waits for nothing else of a long one.
std::size_t Scheduler::wanted(const Job& job) const {
    std::size_t end = job.tokens.size();
    for (const Follower& follower : followers_) {
        if (follower.leader.ticket == job.ticket) { end = std::min(end, follower.leader.tokens); }
    }
    return end - sequences_.held(job.sequence).size();
}

// In the order of their sequences: libllama computes sequences together only where each is the one after the last
// (llama_batch_allocr::split_equal), and one after the other where they come in another order.
void Scheduler::write_batch() {
    std::vector<Job*> in_order;
    in_order.reserve(jobs_.size());
    for (Job& job : jobs_) {
        in_order.push_back(&job);
    }
    std::ranges::sort(in_order, {}, &Job::sequence);
    batch_.clear();
    for (Job* const at_turn : in_order) {
        Job& job = *at_turn;
        const std::size_t held = sequences_.held(job.sequence).size();
        job.logits = -1;
        for (std::size_t position = held; position < held + job.now; ++position) {
            const bool is_last = position + 1 == job.tokens.size();
            const auto at = batch_.add(job.tokens[position], position, job.sequence, is_last);
            if (is_last) { job.logits = at; }
        }
    }
}

bool Scheduler::compute() {
    for (auto room = make_room(); !room; room = make_room()) {
        end_newest(room.error());
        if (jobs_.empty()) { return false; }
        fill_batch();
    }
    const std::int32_t status = decode();
    for (const Job& job : jobs_) {
        if (status == 0) {
            sequences_.computed(job.sequence, batch_tokens(job));
        } else if (job.now > 0) {
            sequences_.broken_off(job.sequence, batch_tokens(job));
        }
    }
    if (status == 0) { tally_.last_step.store(base::monotonic_now(), std::memory_order_relaxed); }
    if (status != 0 && status != broken_off) {
        const Error failure{Fault::internal, "llama_decode failed with status " + std::to_string(status)};
        end_where([](const Job& job) { return job.now > 0; }, std::unexpected(failure));
    }
    return status == 0;
}

Result<> Scheduler::make_room() {
    std::size_t longest = 0;
    for (const Job& job : jobs_) {
        longest = std::max(longest, sequences_.held(job.sequence).size() + job.now);
    }
    return model_->context->grow(longest, model_->context->sequences());
}

std::int32_t Scheduler::decode() {
    {
        const std::scoped_lock lock(mutex_);
        prompts_.clear();
        for (const Job& job : jobs_) {
            if (job.now > 1) { prompts_.push_back(job.ticket); }
        }
        interrupted_.store(is_stopping_, std::memory_order_relaxed);
    }
    return llama_decode(model_->context->get(), batch_.get());
}

// There is no memory for all of them: those that came first go on.
void Scheduler::end_newest(const Error& reason) {
    const Ticket newest = std::ranges::max_element(jobs_, {}, &Job::ticket)->ticket;
    end_where([newest](const Job& job) { return job.ticket == newest; }, std::unexpected(reason));
}

std::span<const Token> Scheduler::batch_tokens(const Job& job) const {
    return std::span(job.tokens).subspan(sequences_.held(job.sequence).size(), job.now);
}

void Scheduler::take_tokens() {
    std::erase_if(jobs_, [this](Job& job) {
        if (job.logits < 0) { return false; }
        const auto finish_reason = take_token(job);
        if (!finish_reason) { return false; }
        finish(job, *finish_reason);
        return true;
    });
}

std::optional<Result<Finish>> Scheduler::take_token(Job& job) {
    const auto token = choose(job);
    if (!token) { return std::unexpected(token.error()); }
    if (!job.is_probe) {
        first_prompt_.reset();
        ++tally_.completion_tokens;
    }
    ++job.usage.completion_tokens; // the one that ends the answer included, as llama-server counts
    if (llama_vocab_is_eog(model_->vocabulary(), *token)) { return Finish::stop; }
    piece_.clear();
    append_piece(*model_, *token, false, piece_);
    if (job.tools) { job.tools->append_mark(*token, piece_); }
    hand_over(job, job.text.add(piece_));
    if (job.text.stopped() || (job.tools && job.tools->is_complete())) { return Finish::stop; }
    if (job.usage.completion_tokens == job.max_tokens) { return Finish::length; }
    const bool is_full = job.tokens.size() >= model_->context->limit();
    if (is_full && !job.slides) { return Finish::length; }
    job.tokens.push_back(*token);
    if (is_full) {
        slide(job.tokens, model_->context->limit());
        sequences_.cut_to(job.sequence, job.tokens);
    }
    return std::nullopt;
}

Result<Token> Scheduler::choose(Job& job) {
    const auto size = static_cast<std::size_t>(llama_vocab_n_tokens(model_->vocabulary()));
    const std::span<const float> logits(llama_get_logits_ith(model_->context->get(), job.logits), size);
    Token token = 0;
    try {
        token = job.sampler.choose(logits);
    } catch (const std::exception& fault) { // of the grammar or the schema
        return refuse(std::string("grammar or schema: ") + fault.what());
    }
    if (std::cmp_greater_equal(token, size)) {
        return std::unexpected(Error{Fault::internal, "the model computed no number for any token"});
    }
    if (job.alternatives) {
        ChosenToken chosen = probabilities(logits, token, *job.alternatives);
        append_piece(*model_, token, true, chosen.chosen.bytes);
        for (TokenProbability& one : chosen.alternatives) {
            append_piece(*model_, one.token, true, one.bytes);
        }
        job.receiver->token(chosen);
    }
    return token;
}

void Scheduler::hand_over(Job& job, std::string_view text) {
    if (text.empty()) { return; }
    if (job.tools) {
        job.tools->add(text, *job.receiver, schemas_, job.sampler);
    } else {
        job.receiver->text(text);
    }
}

void Scheduler::finish(Job& job, const Result<Finish>& reason) {
    hand_over(job, job.text.finish());
    if (job.tools) { job.tools->finish(*job.receiver); }
    job.receiver->finished(
        reason.transform([&job](Finish finish) { return Outcome{.finish = finish, .usage = job.usage}; }));
    if (job.sequence == no_sequence) { return; }
    if (job.is_probe) {
        sequences_.give_back(job.sequence, std::span(job.tokens).first(job.borrowed));
    } else {
        sequences_.release(job.sequence);
    }
}

template <class Condition>
void Scheduler::end_where(Condition ends, const Result<Finish>& reason) {
    const auto end = [&](Job& job) {
        if (!ends(job)) { return false; }
        finish(job, reason);
        return true;
    };
    std::erase_if(jobs_, end);
    std::erase_if(followers_, [&end](Follower& follower) { return end(follower.job); });
}

} // namespace vb::engine
