// Any bytes from a client of the control socket, in any pieces: the server answers in whole messages of valid JSON or
// drops the client, its loop comes to rest, it does nothing for a user who may not ask, and the next client is served.
// The first byte says who connects, how much it reads and whether it leaves; then each piece begins with its length.
#include "control/sample_machine.h"
#include "control/server.h"
#include "unit/init/simulated_kernel.h"

#include <cstdint>
#include <cstdlib>
#include <glaze/json/read.hpp>

namespace {

using namespace vb;

void require(bool truth) {
    if (!truth) { std::abort(); }
}

void run(simulation::SimulatedKernel& kernel, control::Server& server) {
    for (int turns = 0; const auto fd = kernel.unix_sockets.ready(); ++turns) {
        require(turns < 100'000);
        require(server.handle(*fd));
    }
}

void check(simulation::SimulatedClient& client) {
    for (const std::string& reply : client.take_messages()) {
        require(!glz::validate_json(reply));
    }
    require(client.received.empty());
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) { return 0; }
    simulation::SimulatedKernel kernel;
    sample::SampleMachine machine;
    const base::Log log(-1, "fuzz");
    control::Server server(kernel, machine, log, "0.1.0");
    machine.changed = [&server](const control::Unit& unit) { server.publish(unit); };
    require(server.open(0, "/control.sock").has_value());

    const bool is_root = (data[0] & 1) != 0;
    auto& client = kernel.unix_sockets.connect(is_root ? 0 : 1000);
    if ((data[0] & 2) != 0) { client.room = 100; }
    for (std::size_t at = 1; at < size;) {
        const std::size_t length = std::min<std::size_t>(std::size_t{data[at]} + 1, size - at - 1);
        if (length > 0) { client.sends.emplace_back(reinterpret_cast<const char*>(data + at + 1), length); }
        at += 1 + length;
    }
    client.has_shut_down = (data[0] & 4) != 0;
    run(kernel, server);
    client.room = std::size_t{1} << 30;
    run(kernel, server);
    check(client);
    require(is_root || machine.asked.empty());

    auto& next = kernel.unix_sockets.connect(0);
    next.sends.emplace_back(std::string("{\"method\":\"io.vectorboot.Control.Status\"}") + '\0');
    run(kernel, server);
    require(next.received.starts_with("{\"parameters\":{\"version\""));
    check(next);
    return 0;
}
