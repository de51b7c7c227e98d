// A directory that is gone with the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace vb {

class ScratchDirectory {
  public:
    ScratchDirectory() {
        // In memory where there is such a place: tests sync thousands of times, and not to find out about disks.
        for (const std::filesystem::path& place :
             {std::filesystem::path("/dev/shm"), std::filesystem::temp_directory_path()}) {
            std::string pattern = place / "vb_test_XXXXXX";
            if (::mkdtemp(pattern.data()) == nullptr) { continue; }
            path_ = pattern;
            return;
        }
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

} // namespace vb
