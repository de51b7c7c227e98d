#include "init/ending.h"

#include <csignal>
#include <cstring>
#include <sys/wait.h>

namespace vb::init {

base::Text<63> describe_end(int wait_status) noexcept {
    base::Text<63> words;
    if (WIFSIGNALED(wait_status)) {
        const char* const name = sigabbrev_np(WTERMSIG(wait_status)); // real-time signals have none
        words << "was killed by ";
        name != nullptr ? words << "SIG" << name : words << "signal " << WTERMSIG(wait_status);
        if (WCOREDUMP(wait_status)) { words << " (core dumped)"; }
    } else {
        words << "ended with status " << WEXITSTATUS(wait_status);
    }
    return words;
}

} // namespace vb::init
