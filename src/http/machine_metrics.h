// The metrics that are not counted but looked up when somebody asks: of engine, model and boot. Also under the names of
// vLLM, which Kubernetes' gateway inference extension reads.
#pragma once

#include "engine/engine.h"
#include "http/backend.h"
#include "http/prometheus_text.h"
#include "http/status.h"
#include "trace/timeline.h"

namespace vb::http {

void write_engine_metrics(PrometheusText& text, const Backend& backend, const Load& load);
void write_vllm_metrics(PrometheusText& text, const Backend& backend, const Load& load);
void write_boot_metrics(PrometheusText& text, const trace::Timeline& timeline, std::uint32_t restarts);

} // namespace vb::http
