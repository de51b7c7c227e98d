#include "capi/dispatcher.h"

#include <algorithm>
#include <cerrno>
#include <sys/eventfd.h>
#include <system_error>

namespace vb::capi {

Dispatcher::Dispatcher() : bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!bell_) { throw std::system_error(errno, std::system_category(), "eventfd"); }
}

void Dispatcher::set_pending(Subject& subject, bool pending) noexcept {
    if (subject.news_ == nullptr) { return; }
    const std::scoped_lock lock(mutex_);
    if (subject.is_pending_ == pending) { return; }
    subject.is_pending_ = pending;
    if (pending) {
        subject.turn_ = ++last_turn_;
        pending_.splice(pending_.end(), subject.own_);
    } else {
        subject.own_.splice(subject.own_.begin(), pending_, subject.node_);
    }
    update_bell();
}

void Dispatcher::update_bell() noexcept {
    if (!bell_ || is_rung_ != pending_.empty()) { return; }
    is_rung_ = !pending_.empty();
    // The counter goes from 0 to 1 and back: neither call can fail or wait.
    eventfd_t count = 0;
    [[maybe_unused]] const int done =
        is_rung_ ? ::eventfd_write(bell_.get(), 1) : ::eventfd_read(bell_.get(), &count);
}

void Dispatcher::forget(Subject& subject) noexcept {
    if (subject.news_ == nullptr) { return; }
    set_pending(subject, false);
    std::unique_lock lock(mutex_);
    if (subject.caller_ == std::this_thread::get_id()) {
        *subject.gone_ = true;
    } else {
        returned_.wait(lock, [&subject] { return subject.caller_ == std::thread::id(); });
    }
}

Dispatcher::Subject* Dispatcher::next(std::uint64_t last) noexcept {
    // One whose callback runs already, further up on this thread or on another, is left to that one.
    const auto found =
        std::ranges::find_if(pending_, [](Subject* one) { return one->caller_ == std::thread::id(); });
    return found != pending_.end() && (*found)->turn_ <= last ? *found : nullptr;
}

std::int32_t Dispatcher::dispatch() {
    std::unique_lock lock(mutex_);
    const std::uint64_t last = last_turn_;
    std::int32_t count = 0;
    while (Subject* const subject = next(last)) {
        call(lock, *subject);
        ++count;
    }
    return count;
}

void Dispatcher::call(std::unique_lock<std::mutex>& lock, Subject& subject) {
    bool gone = false;
    subject.caller_ = std::this_thread::get_id();
    subject.gone_ = &gone;
    // What the callback leaves unread is said again the next time, after the others.
    subject.turn_ = ++last_turn_;
    pending_.splice(pending_.end(), pending_, subject.node_);

    struct Returned { // by an exception too
        Dispatcher& dispatcher;
        std::unique_lock<std::mutex>& lock;
        Subject& subject;
        const bool& gone;
        ~Returned() {
            lock.lock();
            if (gone) { return; }
            subject.caller_ = {};
            subject.gone_ = nullptr;
            dispatcher.returned_.notify_all();
        }
    } const returned{*this, lock, subject, gone};
    lock.unlock();
    subject.news_(subject.request_, subject.user_data_);
}

void Dispatcher::close() noexcept {
    const std::scoped_lock lock(mutex_);
    bell_.reset();
}

} // namespace vb::capi
