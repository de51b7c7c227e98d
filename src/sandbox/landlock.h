// landlock(7) as typed calls, since libc has none: what the calling process may still reach in the file system, and
// that it may reach nobody by a new connection or a signal. It refuses what this kernel's ABI can refuse, and never
// decides which paths those are.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

namespace vb::sandbox {

enum class Access : unsigned char {
    read,   // files and lists of directories
    keep,   // besides that: make, write, rename and remove files
    device, // read, write and ioctl(2), but make nothing
};

class Ruleset {
  public:
    // Refuses everything. An error with ENOSYS or EOPNOTSUPP: this kernel has no Landlock, or it is switched off.
    static base::Result<Ruleset> create();

    // Permits that below `path`, or for that file; errno is ENOENT where there is none.
    base::Result<> allow(const char* path, Access access) const;
    // From here on, for the calling thread and the threads and processes that it starts. Needs no_new_privs.
    base::Result<> enforce() const;

    int abi() const noexcept { return abi_; }

  private:
    Ruleset(base::UniqueFd fd, int abi) : fd_(std::move(fd)), abi_(abi) {}

    base::UniqueFd fd_;
    int abi_;
};

} // namespace vb::sandbox
