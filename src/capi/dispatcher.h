// Which requests have news, for those who wait in an event loop: a list, a descriptor that is readable while
// it is not empty, and the calls. What the engine's threads call here never waits for a callback and
// allocates nothing.
#pragma once

#include "vector_boot.h"

#include "base/unique_fd.h"

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>

namespace vb::capi {

class Dispatcher {
  public:
    // One request. Without a `news` callback nothing is ever said of it.
    class Subject {
      public:
        Subject(vb_news_callback news, void* user_data, vb_request* request) noexcept
            : news_(news), user_data_(user_data), request_(request) {}
        Subject(const Subject&) = delete;
        Subject& operator=(const Subject&) = delete;

      private:
        friend class Dispatcher;
        vb_news_callback news_;
        void* user_data_;
        vb_request* request_;
        std::list<Subject*> own_{this}; // holds the node while the subject is not pending
        std::list<Subject*>::iterator node_ = own_.begin();
        bool is_pending_ = false;
        std::uint64_t turn_ = 0;   // of those that are pending the lowest comes first
        std::thread::id caller_{}; // who is in `news`
        bool* gone_ = nullptr;     // on the caller's stack: the subject was forgotten in its own callback
    };

    Dispatcher(); // throws std::system_error without a descriptor
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    int fd() const noexcept { return bell_.get(); }

    // Any thread: it has something to read, or no more.
    void set_pending(Subject& subject, bool pending) noexcept;
    // Nothing is said of it any more; waits for a call on another thread to return.
    void forget(Subject& subject) noexcept;
    // Calls for each that has news now, once. What comes meanwhile is for the next time.
    std::int32_t dispatch();
    // Closes the descriptor; there is no one who could dispatch any more.
    void close() noexcept;

  private:
    void update_bell() noexcept;
    Subject* next(std::uint64_t last) noexcept;
    void call(std::unique_lock<std::mutex>& lock, Subject& subject);

    std::mutex mutex_;
    std::condition_variable returned_;
    std::list<Subject*> pending_; // in the order of their turns
    std::uint64_t last_turn_ = 0;
    base::UniqueFd bell_; // eventfd
    bool is_rung_ = false;
};

} // namespace vb::capi
