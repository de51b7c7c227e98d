#include "http/process_statistics.h"

#include "base/clock.h"
#include "base/text.h"

#include <chrono>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/resource.h>
#include <unistd.h>

namespace vb::http {

namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

double unix_time() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace

ProcessStatistics::ProcessStatistics()
    : memory_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      descriptors_(::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), started_(unix_time()) {}

void ProcessStatistics::write(PrometheusText& text) const {
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
        text.counter("process_cpu_seconds_total", "CPU time of this process, user and system.",
                     seconds(usage.ru_utime) + seconds(usage.ru_stime));
    }
    write_memory(text);
    write_descriptors(text);
    text.gauge("process_start_time_seconds", "When this process started, in Unix time.", started_);
}

void ProcessStatistics::write_memory(PrometheusText& text) const {
    char buffer[128];
    const ssize_t size = ::pread(memory_.get(), buffer, sizeof buffer, 0);
    if (size <= 0) { return; }
    std::string_view line(buffer, static_cast<std::size_t>(size));
    std::uint64_t pages = 0, resident = 0;
    if (!base::parse_number(base::take_until(line, ' '), pages) ||
        !base::parse_number(base::take_until(line, ' '), resident)) {
        return;
    }
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    text.gauge("process_virtual_memory_bytes", "Address space of this process.",
               static_cast<double>(pages) * page);
    text.gauge("process_resident_memory_bytes", "Memory of this process, the model's mapped pages included.",
               static_cast<double>(resident) * page);
}

void ProcessStatistics::write_descriptors(PrometheusText& text) const {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        text.gauge("process_max_fds", "File descriptors that this process may have.",
                   static_cast<double>(limit.rlim_cur));
    }
    base::UniqueFd copy(::fcntl(descriptors_.get(), F_DUPFD_CLOEXEC, 0));
    const std::unique_ptr<DIR, CloseFolder> folder(copy ? ::fdopendir(copy.get()) : nullptr);
    if (!folder) { return; }
    static_cast<void>(copy.release()); // the folder closes it
    ::rewinddir(folder.get());         // the copy shares the position that the last reading left
    int count = -1;                    // the copy itself
    while (const dirent* const entry = ::readdir(folder.get())) {
        if (entry->d_name[0] != '.') { ++count; }
    }
    text.gauge("process_open_fds", "File descriptors that this process has.", count);
}

} // namespace vb::http
