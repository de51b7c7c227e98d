// The messages of a session. An answer under way is no part of them until its end was told.
#pragma once

#include "engine/error.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace vb::capi {

class Answer;

class Conversation {
  public:
    explicit Conversation(std::string messages) : messages_(std::move(messages)) {}

    // The messages with `more` at their end, to which `answer` is the answer. Fails while another is under way.
    engine::Result<std::string> begin(const std::string& more, const std::shared_ptr<Answer>& answer);
    // The one that has begun is complete: it and its question stay.
    void complete(std::string_view answer);
    // It failed or was cancelled: the messages stay as they were.
    void give_up() noexcept;

    std::string messages() const;
    // The one that has begun, if there is one.
    std::shared_ptr<Answer> under_way() const;

  private:
    mutable std::mutex mutex_;
    std::string messages_;
    std::string asked_; // messages_ and the question under way
    bool is_busy_ = false;
    std::weak_ptr<Answer> answer_; // it holds the conversation
};

} // namespace vb::capi
