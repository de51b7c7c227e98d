// What is told of the machine rather than answered by the model: health, metrics, status, log lines, the timeline, and
// the web page that shows them. Changes nothing. Belongs to the event loop's thread.
#pragma once

#include "http/backend.h"
#include "http/health.h"
#include "http/log_ring.h"
#include "http/metrics.h"
#include "http/process_statistics.h"
#include "http/router.h"
#include "http/status.h"
#include "trace/timeline.h"

#include <functional>
#include <string_view>

namespace vb::http {

class MachinePages {
  public:
    struct Subjects {
        Backend& backend;
        trace::Timeline& timeline;
        const Metrics& metrics;
        Health& health;
        std::function<Load()> load;
        std::string_view overview;        // for whoever is not a browser
        const LogRing* log_lines;         // null: they are not kept
        const ProcessStatistics* process; // null: nothing is told of it
        std::uint32_t restarts;           // of this program, before this process
    };

    explicit MachinePages(Subjects subjects);
    // It outlives the router.
    void add_to(Router& router);

  private:
    void serve_start(Exchange& exchange) const;
    void serve_file(Exchange& exchange, std::string_view name) const;
    void serve_metrics(Exchange& exchange) const;
    void serve_status(Exchange& exchange) const;
    void serve_logs(Exchange& exchange) const;
    void serve_timeline(Exchange& exchange) const;

    const Subjects subjects_;
    const base::Nanoseconds started_ = base::monotonic_now();
};

} // namespace vb::http
