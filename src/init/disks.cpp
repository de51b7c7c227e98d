#include "init/disks.h"

#include "base/clock.h"
#include "init/mounts.h"

#include <algorithm>
#include <sys/wait.h>

namespace vb::init {

namespace {

// Each pass frees what the next one needs: swap in a file, in a file system, on a loop device, in a file system.
constexpr int most_passes = 8;

// What one pass came to.
struct Pass {
    bool has_freed = false;
    bool has_left = false;

    void count(const base::Result<>& done) noexcept { (done ? has_freed : has_left) = true; }
};

void log_fault(const base::Log& log, const base::Error& error) noexcept {
    log.warning(base::describe(error));
}

// Calls `visit` with each mount point that may go, the last mounted first.
template <class Visit>
void visit_mounts(sys::Kernel& kernel, const base::Log& log, const Visit& visit) noexcept {
    char buffer[262144]; // as many as there are in a machine with containers of its own
    const auto mountinfo = kernel.read_file(mountinfo_path, buffer);
    if (!mountinfo) {
        log_fault(log, mountinfo.error());
        return;
    }
    std::string_view rest = *mountinfo;
    while (!rest.empty()) {
        if (rest.ends_with('\n')) { rest.remove_suffix(1); }
        const std::size_t start = rest.rfind('\n') + 1; // npos + 1 is 0: the first line
        const auto target = unescape_path(mount_point_of(rest.substr(start)));
        rest = rest.substr(0, start);
        // These hold nothing that needs writing, and the first is where the rest is read from.
        if (!std::ranges::contains(std::initializer_list<std::string_view>{"/", "/proc", "/sys", "/dev"},
                                   target.view())) {
            visit(target.c_str());
        }
    }
}

// Calls `visit` with the file or device of each line of proc_swaps(5).
template <class Visit>
void visit_swaps(sys::Kernel& kernel, const Visit& visit) noexcept {
    char buffer[16384];
    const auto swaps = kernel.read_file("/proc/swaps", buffer);
    if (!swaps) { return; } // a kernel without it has no swap
    std::string_view rest = *swaps;
    (void)base::take_until(rest, '\n'); // the heading
    while (!rest.empty()) {
        const std::string_view line = base::take_until(rest, '\n');
        const auto path = unescape_path(line.substr(0, line.find_first_of(" \t")));
        if (!path.empty()) { visit(path.c_str()); }
    }
}

// One that nobody has mounted lets go of its file at once, and every other when it is closed.
void detach_loops(sys::Kernel& kernel, Pass& pass) noexcept {
    char buffer[65536];
    const auto partitions = kernel.read_file("/proc/partitions", buffer);
    if (!partitions) { return; }
    std::string_view rest = *partitions;
    while (!rest.empty()) {
        const std::string_view line = base::take_until(rest, '\n');
        const std::string_view name = line.substr(line.rfind(' ') + 1);
        unsigned int number = 0;
        if (!name.starts_with("loop") || !base::parse_number(name.substr(4), number)) { continue; }
        base::Text<31> device("/dev/");
        if (kernel.detach_loop((device << name).c_str())) { pass.has_freed = true; }
    }
}

Pass take_away(sys::Kernel& kernel, const base::Log& log) noexcept {
    Pass pass;
    visit_swaps(kernel, [&](const char* path) { pass.count(kernel.swap_off(path)); });
    visit_mounts(kernel, log, [&](const char* target) { pass.count(kernel.unmount(target)); });
    if (pass.has_left) { detach_loops(kernel, pass); }
    return pass;
}

int make_read_only(sys::Kernel& kernel, const base::Log& log) noexcept {
    int status = 0;
    const auto check = [&](const base::Result<>& done) {
        if (done) { return; }
        log_fault(log, done.error());
        status = 1;
    };
    visit_swaps(kernel, [&](const char* path) { check(kernel.swap_off(path)); });
    visit_mounts(kernel, log, [&](const char* target) {
        const auto unmounted = kernel.unmount(target);
        if (unmounted) { return; }
        log.debug(base::describe(unmounted.error()), "; it is made read-only");
        check(kernel.remount_read_only(target));
    });
    check(kernel.remount_read_only("/"));
    return status;
}

} // namespace

int end_disks(sys::Kernel& kernel, const base::Log& log) noexcept {
    kernel.sync(); // the long part, as long as nothing is taken away
    for (int count = 0; count < most_passes; ++count) {
        const Pass pass = take_away(kernel, log);
        if (!pass.has_left || !pass.has_freed) { break; }
    }
    const int status = make_read_only(kernel, log);
    kernel.sync(); // what is still writable, and the caches of the disks themselves
    return status;
}

int Disks::run(const void* argument) noexcept {
    const auto* const own = static_cast<const Disks*>(argument);
    base::Log console = own->log_;
    console.set_sink({}); // PID 1's alone, and nobody takes it to a disk any more
    return end_disks(own->kernel_, console);
}

void Disks::begin() noexcept {
    if (state_ != State::idle) { return; }
    state_ = State::ending;
    give_up_at_ = kernel_.now() + patience;
    start();
}

void Disks::start() noexcept {
    ++attempts_;
    const auto child = kernel_.spawn_task({.name = "disks", .run = run, .argument = this});
    if (child) {
        child_ = *child;
        return;
    }
    log_.warning("the disks cannot be ended yet: ", base::describe(child.error()));
    try_again();
}

void Disks::try_again() noexcept {
    if (attempts_ < most_attempts) {
        retry_at_ = kernel_.now() + retry_delay;
        return;
    }
    log_.error("no child can end the disks: PID 1 does it itself");
    state_ = State::not_ended;
}

bool Disks::reaped(pid_t process, int wait_status) noexcept {
    if (child_ == 0 || process != child_) { return false; }
    child_ = 0;
    if (state_ != State::ending) { return true; } // too late
    if (WIFSIGNALED(wait_status)) {
        log_.warning("the child that ends the disks was killed by signal ", WTERMSIG(wait_status));
        try_again();
    } else {
        state_ = State::ended;
    }
    return true;
}

std::optional<base::Nanoseconds> Disks::deadline() const noexcept {
    if (state_ != State::ending) { return std::nullopt; }
    return base::earlier(give_up_at_, retry_at_);
}

void Disks::check_deadline(base::Nanoseconds now) noexcept {
    if (state_ != State::ending) { return; }
    if (now >= give_up_at_) {
        log_.error("the disks have not ended in ", std::chrono::seconds(patience).count(),
                   " s; going on without them");
        state_ = State::ended;
    } else if (retry_at_ && now >= *retry_at_) {
        retry_at_.reset();
        start();
    }
}

} // namespace vb::init
