#include "capi/conversation.h"

#include "engine/conversation.h"

namespace vb::capi {

engine::Result<std::string> Conversation::begin(const std::string& more,
                                                const std::shared_ptr<Answer>& answer) {
    const std::scoped_lock lock(mutex_);
    if (is_busy_) {
        return std::unexpected(engine::Error{
            engine::Fault::request,
            "the session's last request has not ended; read it to its end, or cancel and free it"});
    }
    auto asked = engine::add_messages(messages_, more);
    if (!asked) { return asked; }
    asked_ = *asked;
    answer_ = answer;
    is_busy_ = true;
    return asked;
}

void Conversation::complete(std::string_view answer) {
    const std::scoped_lock lock(mutex_);
    messages_ = engine::add_answer(asked_, answer);
    asked_.clear();
    is_busy_ = false;
}

void Conversation::give_up() noexcept {
    const std::scoped_lock lock(mutex_);
    asked_.clear();
    is_busy_ = false;
}

std::string Conversation::messages() const {
    const std::scoped_lock lock(mutex_);
    return messages_;
}

std::shared_ptr<Answer> Conversation::under_way() const {
    const std::scoped_lock lock(mutex_);
    return is_busy_ ? answer_.lock() : nullptr;
}

} // namespace vb::capi
