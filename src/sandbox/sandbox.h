// Confines the calling process to serving a model: Landlock for files and connections, seccomp for system calls. What
// a kernel lacks is a line of the log, and the rest holds. It never asks for privileges, and takes nothing back.
#pragma once

#include "base/log.h"
#include "base/unique_fd.h"

#include <string>
#include <vector>

namespace vb::sandbox {

// Besides the programs and the kernel's files that every runtime needs.
struct Needs {
    std::vector<std::string> readable; // files and directories
    std::string kept;                  // the directory in which files are made; empty: none
    bool devices = false;              // GPUs
};

struct Confinement {
    int landlock_abi = 0;     // 0: there is none here
    bool is_filtered = false; // by seccomp
    base::UniqueFd
        own_processes; // procfs forgets a directory that nobody has open, and a rule for it then is void
};

// To be called while the process has one thread.
Confinement confine(const Needs& needs, const base::Log& log);

} // namespace vb::sandbox
