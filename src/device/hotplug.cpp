#include "device/hotplug.h"

#include "device/nodes.h"

#include <algorithm>
#include <sys/resource.h>
#include <sys/wait.h>

namespace vb::device {

namespace {

constexpr int niceness = 10;

} // namespace

base::Result<> Hotplug::open() noexcept {
    auto socket = kernel_.open_uevents();
    if (socket) { socket_ = std::move(*socket); }
    if (keeps_nodes_) { (void)make_nodes(kernel_, log_); }
    looks_everywhere_ = true; // also without the socket: what is there at the start has its modules
    start();
    if (!socket) { return std::unexpected(socket.error()); }
    return {};
}

void Hotplug::receive() noexcept {
    char buffer[sys::largest_uevent];
    bool has_lost = false;
    // A bus that floods us has to let the loop have its turn.
    for (int count = 0; count < 128; ++count) {
        const auto datagram = kernel_.receive_uevent(socket_.get(), buffer);
        if (!datagram) { break; }
        if (datagram->lost) {
            log_.warning("device events were lost; looking at all devices again");
            looks_everywhere_ = true;
            has_lost = true;
        } else if (const auto event = parse_uevent(datagram->text)) {
            take(*event);
        } else {
            log_.debug("a device event of ", datagram->text.size(), " bytes makes no sense");
        }
    }
    if (has_lost && keeps_nodes_) { (void)make_nodes(kernel_, log_); }
    start();
}

void Hotplug::take(const Uevent& event) noexcept {
    if (keeps_nodes_) { follow(kernel_, log_, event); }
    // Other actions carry the alias too, of devices that have had their driver by then.
    if (event.action != Uevent::Action::add) { return; }
    for (const std::string_view alias : event.aliases) {
        if (!alias.empty()) { add(alias); }
    }
}

void Hotplug::add(std::string_view alias) noexcept {
    const std::span<const base::Text<511>> waiting(waiting_, waiting_count_);
    if (looks_everywhere_ || std::ranges::contains(waiting, alias, &base::Text<511>::view)) { return; }
    if (waiting_count_ == most_waiting) {
        looks_everywhere_ = true;
        return;
    }
    waiting_[waiting_count_].clear();
    waiting_[waiting_count_++] << alias;
}

void Hotplug::start() noexcept {
    if (stopped_ || child_ != 0 || retry_at_ || is_settled()) { return; }
    const auto child = kernel_.spawn_task({.name = "modules", .run = run, .argument = this});
    if (!child) {
        log_.warning("modules are not loaded yet: ", base::describe(child.error()));
        retry_at_ = kernel_.now() + retry_delay;
        return;
    }
    child_ = *child;
    waiting_count_ = 0; // the child has its own copy
    looks_everywhere_ = false;
}

int Hotplug::run(const void* hotplug) noexcept {
    return static_cast<const Hotplug*>(hotplug)->load_waiting();
}

int Hotplug::load_waiting() const noexcept {
    // Where there is one CPU, the model's first token comes before drivers that nobody waits for.
    ::setpriority(PRIO_PROCESS, 0, niceness);
    if (looks_everywhere_) { return coldplug(options_, log_); }
    std::string_view names[most_waiting];
    std::ranges::copy(waiting_, waiting_ + waiting_count_, names);
    return load(options_, {names, waiting_count_}, log_);
}

bool Hotplug::reaped(pid_t process, int wait_status) noexcept {
    if (process == 0 || process != child_) { return false; }
    child_ = 0;
    if (WIFSIGNALED(wait_status)) {
        log_.warning("the child that loads modules was killed by signal ", WTERMSIG(wait_status));
    }
    start();
    return true;
}

void Hotplug::check_deadline(base::Nanoseconds now) noexcept {
    if (!retry_at_ || now < *retry_at_) { return; }
    retry_at_.reset();
    start();
}

void Hotplug::stop() noexcept {
    stopped_ = true;
    retry_at_.reset();
    socket_.reset();
}

} // namespace vb::device
