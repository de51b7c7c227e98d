// A program that a rule runs: without a shell, with an empty stdin and the runtime's own stdout and stderr, which are the
// journal's. It is killed if it takes too long. Belongs to the event loop's thread.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "http/event_loop.h"

#include <functional>
#include <string>
#include <vector>

namespace vb::rules {

class Command {
  public:
    struct Ended {
        int status = 0;        // as waitpid(2) has it
        bool was_late = false; // and was killed
        bool is_known = true;  // false: somebody else has waited for the process
    };

    // `ended` is called once, never before this returns, and must not destroy the command. Where it is destroyed before,
    // it is killed and nobody is called.
    static base::Result<std::unique_ptr<Command>> start(http::EventLoop& loop,
                                                        const std::vector<std::string>& arguments,
                                                        std::chrono::milliseconds patience,
                                                        std::function<void(const Ended&)> ended);
    ~Command();
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

  private:
    Command(http::EventLoop& loop, base::UniqueFd process, std::function<void(const Ended&)> ended);
    void kill() noexcept;
    void collect();

    base::UniqueFd process_; // a pidfd: readable when it has ended
    std::function<void(const Ended&)> ended_;
    bool was_late_ = false;
    bool is_collected_ = false;
    http::EdgeWatch watch_; // it stays readable
    http::Timer overdue_;
};

} // namespace vb::rules
