// Work handed to the event loop's thread by other threads: the only thing in src/http that they may touch.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "http/event_loop.h"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace vb::http {

class Mailbox {
  public:
    using Letter = std::move_only_function<void()>;

    static base::Result<std::unique_ptr<Mailbox>> create(EventLoop& loop);

    // Any thread. The letter is run by the loop, after those posted before it; one that is still here when
    // the mailbox ends is never run.
    void post(Letter letter);

  private:
    Mailbox(EventLoop& loop, base::UniqueFd bell);
    void empty();

    base::UniqueFd bell_; // eventfd: rung when the first letter is put into an empty box
    std::mutex mutex_;
    std::vector<Letter> letters_;
    ReadWatch watch_;
};

} // namespace vb::http
