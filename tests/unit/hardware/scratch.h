// Files that are gone with the test, and processes that may die.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "unit/scratch_directory.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vb::hardware {

class ScratchDirectory : public vb::ScratchDirectory {
  public:
    // Makes the directories above it as well.
    std::filesystem::path write(const std::filesystem::path& name, const std::string& text) const {
        std::filesystem::create_directories((path() / name).parent_path());
        std::ofstream(path() / name, std::ios::binary | std::ios::trunc) << text;
        return path() / name;
    }
    void link(const std::filesystem::path& name, const std::filesystem::path& target) const {
        std::filesystem::create_directories((path() / name).parent_path());
        std::filesystem::create_symlink(target, path() / name);
    }
    std::string read(const std::filesystem::path& name) const {
        std::ifstream file(path() / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

// A file without a name.
inline base::UniqueFd memory_file(std::size_t size) {
    base::UniqueFd file(::memfd_create("registers", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
    return file;
}

// The wait status of a child that does `work`, and exits with 0 if it gets to its end.
inline int status_of(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit no_core{};
        ::prctl(PR_SET_PDEATHSIG, SIGKILL); // whatever becomes of the test
        ::setrlimit(RLIMIT_CORE, &no_core);
        work();
        ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
}

template <class Value>
std::string reason(const base::Result<Value>& result) {
    return result ? "there is no error" : std::string(base::describe(result.error()));
}

} // namespace vb::hardware
