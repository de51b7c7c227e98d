#include "capi/answer.h"

#include "capi/status.h"

#include <algorithm>
#include <iterator>
#include <new>

namespace vb::capi {
namespace {

using std::chrono::milliseconds;

vb_token view_of(const engine::TokenProbability& token) noexcept {
    return {.id = token.token,
            .logprob = token.logprob,
            .text = token.bytes.data(),
            .length = token.bytes.size()};
}

std::uint64_t nanoseconds_since(base::Nanoseconds begin) noexcept {
    return static_cast<std::uint64_t>((base::monotonic_now() - begin).count());
}

} // namespace

vb_piece Piece::view() {
    chosen_.clear();
    alternatives_.clear();
    for (const engine::ChosenToken& token : tokens) {
        std::ranges::transform(token.alternatives, std::back_inserter(alternatives_), view_of);
    }
    // The alternatives have their last addresses now.
    const vb_token* alternatives = alternatives_.data();
    for (const engine::ChosenToken& token : tokens) {
        const std::size_t count = token.alternatives.size();
        chosen_.push_back({view_of(token.chosen), count > 0 ? alternatives : nullptr, count});
        alternatives += count;
    }
    vb_piece piece = VB_PIECE_INIT;
    piece.text = text.c_str();
    piece.length = text.size();
    piece.tokens = chosen_.empty() ? nullptr : chosen_.data();
    piece.token_count = chosen_.size();
    return piece;
}

Answer::Answer(std::shared_ptr<Core> core, const vb_request_options& options, vb_request* request)
    : core_(std::move(core)), subject_(options.news, options.news_data, request) {}

void Answer::add(const engine::ChosenToken& token) noexcept {
    const std::scoped_lock lock(mutex_);
    started();
    if (is_cancelled_) { return; }
    try {
        held_.push_back(token);
    } catch (const std::bad_alloc&) { is_short_of_memory_ = true; }
}

void Answer::add(std::string_view text) noexcept {
    const std::scoped_lock lock(mutex_);
    started();
    if (is_cancelled_ || is_short_of_memory_) { return; }
    try {
        if (conversation_) { whole_ += text; }
        unread_.text += text;
        unread_.tokens.insert(unread_.tokens.end(), std::move_iterator(held_.begin()),
                              std::move_iterator(held_.end()));
        held_.clear();
    } catch (const std::bad_alloc&) { is_short_of_memory_ = true; }
    changed_.notify_all();
    update_news();
}

void Answer::started() noexcept {
    if (result_.first_token_ns == 0) { result_.first_token_ns = nanoseconds_since(called_); }
}

void Answer::finish(const engine::Result<engine::Outcome>& outcome) noexcept {
    const std::scoped_lock lock(mutex_);
    if (!outcome) {
        end(status_of(outcome.error().fault), outcome.error().message);
    } else {
        result_.prompt_tokens = outcome->usage.prompt_tokens;
        result_.cached_tokens = outcome->usage.cached_tokens;
        result_.completion_tokens = outcome->usage.completion_tokens;
        switch (outcome->finish) {
        case engine::Finish::stop:
            result_.finish = VB_FINISH_STOP;
            end(VB_END, {});
            break;
        case engine::Finish::length:
            result_.finish = VB_FINISH_LENGTH;
            end(VB_END, {});
            break;
        case engine::Finish::cancelled:
            end(VB_ERROR_CANCELLED, "the model was freed");
            break;
        case engine::Finish::deadline:
            end(VB_ERROR_DEADLINE, "the request's time was over before its answer was complete");
            break;
        }
    }
    changed_.notify_all();
    update_news();
}

void Answer::end(std::int32_t status, std::string message) {
    is_ended_ = true;
    status_ = status;
    message_ = std::move(message);
    result_.total_ns = nanoseconds_since(called_);
    if (is_cancelled_) {
        held_.clear();
        return;
    }
    try { // the last tokens may have no text of their own
        std::ranges::move(held_, std::back_inserter(unread_.tokens));
    } catch (const std::bad_alloc&) { is_short_of_memory_ = true; }
    held_.clear();
    if (is_short_of_memory_ && status == VB_END) {
        status_ = VB_ERROR_RESOURCES;
        message_ = "out of memory";
    }
}

void Answer::set_conversation(std::shared_ptr<Conversation> conversation) noexcept {
    const std::scoped_lock lock(mutex_);
    conversation_ = std::move(conversation);
}

void Answer::set_ticket(engine::Engine::Ticket ticket) noexcept {
    bool is_late = false; // cancelled while it was submitted
    {
        const std::scoped_lock lock(mutex_);
        ticket_ = ticket;
        is_late = is_cancelled_;
    }
    if (is_late) {
        if (const Core::Use engine = core_->use()) { engine->cancel(ticket); }
    }
}

std::int32_t Answer::next(std::int32_t timeout_ms, vb_piece& piece) {
    std::unique_lock lock(mutex_);
    const auto has_something = [this] { return has_piece() || is_ended_; };
    if (timeout_ms < 0) {
        changed_.wait(lock, has_something);
    } else if (timeout_ms > 0) {
        changed_.wait_for(lock, milliseconds(timeout_ms), has_something);
    }
    read_.clear();
    const bool has_more = has_piece();
    if (has_more) { std::swap(read_, unread_); }
    piece = read_.view();
    if (!has_more && is_ended_ && !is_told_) { tell_end(); }
    update_news();
    if (has_more) { return succeed(); }
    if (!is_ended_) { return succeed(VB_AGAIN); }
    return status_ < 0 ? fail_with(status_, message_) : succeed(status_);
}

void Answer::tell_end() {
    if (is_cancelled_) {
        status_ = VB_ERROR_CANCELLED;
        message_ = "the request was cancelled";
        result_.finish = VB_FINISH_NONE;
    }
    if (conversation_) {
        if (status_ == VB_END) {
            conversation_->complete(whole_);
        } else {
            conversation_->give_up();
        }
        conversation_.reset();
        whole_ = {};
    }
    is_told_ = true;
}

std::optional<vb_result> Answer::result() const {
    const std::scoped_lock lock(mutex_);
    if (!is_told_) { return std::nullopt; }
    return result_;
}

void Answer::update_news() noexcept {
    if (!is_abandoned_) {
        core_->dispatcher().set_pending(subject_, has_piece() || (is_ended_ && !is_told_));
    }
}

std::optional<engine::Engine::Ticket> Answer::give_up() noexcept {
    const std::scoped_lock lock(mutex_);
    if (is_cancelled_ || is_told_) { return std::nullopt; }
    is_cancelled_ = true;
    unread_.clear();
    held_.clear();
    update_news();
    return is_ended_ ? std::nullopt : ticket_;
}

void Answer::cancel() noexcept {
    // Not under our lock: the engine may be handing over to us under its own.
    if (const auto ticket = give_up()) {
        if (const Core::Use engine = core_->use()) { engine->cancel(*ticket); }
    }
}

void Answer::abandon() noexcept {
    cancel();
    {
        const std::scoped_lock lock(mutex_);
        is_abandoned_ = true;
        if (conversation_) {
            conversation_->give_up();
            conversation_.reset();
        }
    }
    core_->dispatcher().forget(subject_);
}

} // namespace vb::capi
