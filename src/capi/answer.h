// One answer on its way from the engine's thread to whoever reads it. The engine only hands over: what comes
// while nobody reads is joined to one piece, so that the memory is bounded by the answer. What the reader is
// told decides: an answer that was cancelled before its end was told ends as cancelled, however far the
// engine was.
#pragma once

#include "capi/conversation.h"
#include "capi/core.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace vb::capi {

// What vb_piece points to.
class Piece {
  public:
    std::string text;
    std::vector<engine::ChosenToken> tokens;

    void clear() noexcept {
        text.clear();
        tokens.clear();
    }
    // Valid until this changes.
    vb_piece view();

  private:
    std::vector<vb_chosen_token> chosen_;
    std::vector<vb_token> alternatives_;
};

class Answer {
  public:
    Answer(std::shared_ptr<Core> core, const vb_request_options& options, vb_request* request);

    // The engine's side.
    void add(const engine::ChosenToken& token) noexcept;
    void add(std::string_view text) noexcept;
    void finish(const engine::Result<engine::Outcome>& outcome) noexcept;

    // When the end is told the answer becomes part of it.
    void set_conversation(std::shared_ptr<Conversation> conversation) noexcept;
    // As what the engine knows it.
    void set_ticket(engine::Engine::Ticket ticket) noexcept;

    // The reader's side: VB_OK and a piece, VB_END, VB_AGAIN, or why there is no more.
    std::int32_t next(std::int32_t timeout_ms, vb_piece& piece);
    // Nothing before the end was told.
    std::optional<vb_result> result() const;

    // Any thread.
    void cancel() noexcept;
    // As cancel(), but leaves it to the caller to tell the engine of the ticket, if there is one.
    std::optional<engine::Engine::Ticket> give_up() noexcept;
    // Nobody reads it any more; `news` does not run and is not called from here on.
    void abandon() noexcept;

  private:
    bool has_piece() const noexcept {
        return !unread_.text.empty() || (is_ended_ && !unread_.tokens.empty());
    }
    void started() noexcept;
    void update_news() noexcept;
    void end(std::int32_t status, std::string message);
    void tell_end();

    const std::shared_ptr<Core> core_;
    const base::Nanoseconds called_ = base::monotonic_now();
    Dispatcher::Subject subject_;

    mutable std::mutex mutex_; // before the dispatcher's and the conversation's, where both are held
    std::condition_variable changed_;
    std::optional<engine::Engine::Ticket> ticket_;
    std::shared_ptr<Conversation> conversation_;
    std::vector<engine::ChosenToken> held_; // tokens whose text is still to come
    Piece unread_;
    Piece read_;        // what the reader has at the moment
    std::string whole_; // only for a conversation
    bool is_cancelled_ = false;
    bool is_abandoned_ = false;
    bool is_short_of_memory_ = false;
    bool is_ended_ = false; // the engine has done with it
    bool is_told_ = false;  // and the reader knows
    std::int32_t status_ = VB_END;
    std::string message_;
    vb_result result_ = VB_RESULT_INIT;
};

// The engine's end of it.
class AnswerReceiver final : public engine::Receiver {
  public:
    explicit AnswerReceiver(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
    void text(std::string_view piece) override { answer_->add(piece); }
    void token(const engine::ChosenToken& token) override { answer_->add(token); }
    void finished(const engine::Result<engine::Outcome>& outcome) override { answer_->finish(outcome); }

  private:
    std::shared_ptr<Answer> answer_;
};

} // namespace vb::capi
