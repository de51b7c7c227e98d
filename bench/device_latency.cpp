// device_latency SPECIFICATION COUNT: raises interrupts of QEMU's "edu" device (a register does that) and says how long
// each took to a callback in an epoll loop, in nanoseconds: "p50 N p99 N".
#include "hardware/device.h"

#include "base/clock.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <sys/epoll.h>
#include <vector>

namespace {

using namespace vb;

constexpr std::size_t raise_register = 0x60, acknowledge_register = 0x64;

template <class Value>
Value must(base::Result<Value>&& result) {
    if (!result) {
        std::fprintf(stderr, "device_latency: %s\n", base::describe(result.error()).c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<Value>) { return std::move(*result); }
}

std::vector<base::Nanoseconds> latencies(hardware::Region& registers, hardware::Interrupt& interrupt,
                                         long count) {
    std::vector<base::Nanoseconds> times;
    base::Nanoseconds raised{};
    std::function<void()> called = [&] {
        if (must(interrupt.take()) == 0) { return; }
        times.push_back(base::monotonic_now() - raised);
    };
    const int loop = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event watched{.events = EPOLLIN, .data = {.ptr = &called}};
    ::epoll_ctl(loop, EPOLL_CTL_ADD, interrupt.fd(), &watched);
    for (long number = 0; number < count; ++number) {
        raised = base::monotonic_now();
        must(registers.write(raise_register, std::uint32_t{1}));
        epoll_event happened{};
        while (times.size() == static_cast<std::size_t>(number)) {
            if (::epoll_wait(loop, &happened, 1, -1) == 1) {
                (*static_cast<std::function<void()>*>(happened.data.ptr))();
            }
        }
        must(registers.write(acknowledge_register, std::uint32_t{1}));
        must(interrupt.arm());
    }
    return times;
}

} // namespace

int main(int count, char** words) {
    const std::span<char*> arguments(words, static_cast<std::size_t>(count));
    if (arguments.size() != 3) {
        std::fputs("usage: device_latency SPECIFICATION COUNT\n", stderr);
        return 1;
    }
    const auto device = must(hardware::open_device(arguments[1]));
    auto registers = must(device->map(0));
    auto interrupt = must(device->interrupt());
    auto times = latencies(registers, interrupt, std::strtol(arguments[2], nullptr, 10));
    std::ranges::sort(times);
    std::printf("p50 %lld p99 %lld\n", static_cast<long long>(times[times.size() / 2].count()),
                static_cast<long long>(times[times.size() * 99 / 100].count()));
    return 0;
}
