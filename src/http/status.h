// What the machine pages say, as JSON. Text out; no sockets, no engine calls.
#pragma once

#include "engine/engine.h"
#include "http/log_ring.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vb::http {

// GET /health.
struct HealthReport {
    std::string_view status; // "ok", "loading", "failed", "stuck"
    std::optional<double> progress = {};
    std::string_view reason = {};
    std::optional<double> seconds = {}; // for how long the reason has been there
};
std::string health_json(const HealthReport& report);

// How many requests there are for the engine.
struct Load {
    std::size_t running = 0;
    std::size_t waiting = 0;
};

// GET /status, which the web page reads.
struct StatusReport {
    std::string_view version;
    std::string_view model;
    std::string_view state; // as in HealthReport, and "ready" in place of "ok"
    double progress = 0;    // of the load, from 0 to 1
    double uptime = 0;      // seconds of this process
    std::uint32_t restarts = 0;
    Load requests;
    std::size_t parallel = 0;
    std::optional<engine::ModelInformation> information; // once it is loaded
    engine::Counters counters;
};
std::string report_json(const StatusReport& report);

// GET /logs.
std::string log_json(std::span<const LogRing::Line> lines);

} // namespace vb::http
