// What this process uses of the machine, read from files in /proc that are opened once: it goes on reading when the
// process may not open files any more.
#pragma once

#include "base/unique_fd.h"
#include "http/prometheus_text.h"

namespace vb::http {

class ProcessStatistics {
  public:
    ProcessStatistics();

    // The metrics that every Prometheus client has by these names. What cannot be read is left out.
    void write(PrometheusText& text) const;

  private:
    void write_memory(PrometheusText& text) const;
    void write_descriptors(PrometheusText& text) const;

    base::UniqueFd memory_;      // /proc/self/statm
    base::UniqueFd descriptors_; // /proc/self/fd
    double started_;             // Unix time
};

} // namespace vb::http
