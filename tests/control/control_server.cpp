// control_server SOCKET [GROUP [REFUSAL]]: serves a sample machine on SOCKET as PID 1 would, until it is asked to end or
// gets SIGTERM. Says "listening" when it does. With REFUSAL, every change fails with that text.
#include "control/sample_machine.h"
#include "control/server.h"
#include "sys/native_kernel.h"

#include <csignal>
#include <cstdio>

int main(int count, char** words) {
    using namespace vb;
    if (count < 2) { return 1; }
    sys::NativeKernel kernel;
    const base::Log log(2, "control_server");
    const auto began = kernel.now();
    const auto signals = kernel.open_signals();
    const auto poll = kernel.open_poll();
    if (!signals || !poll || !kernel.watch(poll->get(), signals->others.get())) { return 1; }

    sample::SampleMachine machine;
    std::optional<gid_t> group;
    if (count > 2) { base::parse_number(words[2], group.emplace()); }
    if (count > 3) { machine.refusal = words[3]; }
    machine.uptime = [&] { return kernel.now() - began; };
    control::Server server(kernel, machine, log, "0.1.0", group);
    machine.changed = [&server](const control::Unit& unit) { server.publish(unit); };
    if (const auto opened = server.open(poll->get(), words[1]); !opened) {
        log.error(base::describe(opened.error()));
        return 1;
    }
    std::puts("listening");
    std::fflush(stdout);
    const auto has_ended = [&machine] {
        return std::ranges::any_of(machine.asked, [](const std::string& asked) {
            return asked == "power off" || asked == "reboot" || asked == "halt";
        });
    };
    while (!has_ended() || !machine.refusal.empty()) {
        const auto fd = kernel.wait(poll->get());
        if (!fd) { continue; }
        if (*fd == signals->others.get() && kernel.read_signal(*fd)->number == SIGTERM) { break; }
        server.handle(*fd);
    }
    server.close();
    return 0;
}
