#include "http/machine_metrics.h"

#include "trace/snapshot.h"

#include <ctime>
#include <map>
#include <string>

namespace vb::http {

namespace {

// State is kept by the token. Who reads vLLM's numbers wants blocks, so we name vLLM's own default.
constexpr std::uint64_t block_tokens = 16;

double number(auto value) { return static_cast<double>(value); }

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : number(part) / number(whole);
}

void write_model(PrometheusText& text, const Backend& backend) {
    const std::string model(backend.model_name());
    text.metric("vector_boot_model_info", PrometheusText::Type::gauge, "The model that is served.");
    text.sample(1, {{.name = "model", .value = model}});
    if (backend.state() != engine::State::ready) { return; }
    const engine::ModelInformation known = backend.information();
    text.gauge("vector_boot_model_parameters", "Parameters of the model.", number(known.parameters));
    text.gauge("vector_boot_model_weights_bytes", "Size of the model's weights.", number(known.weights));
    text.gauge("vector_boot_model_context_tokens", "Tokens that prompt and answer of a request may have.",
               known.context);
}

} // namespace

void write_engine_metrics(PrometheusText& text, const Backend& backend, const Load& load) {
    const engine::Counters counters = backend.counters();
    text.gauge("vector_boot_ready", "1 when the model is loaded.", backend.state() == engine::State::ready);
    text.gauge("vector_boot_load_progress", "How much of the model is loaded, from 0 to 1.",
               number(backend.progress()));
    text.gauge("vector_boot_requests_running", "Requests that are being computed.", number(load.running));
    text.gauge("vector_boot_requests_waiting", "Requests that wait for their turn.", number(load.waiting));
    text.gauge("vector_boot_requests_parallel", "Requests that are computed at once, at most.",
               number(backend.parallel()));
    text.gauge("vector_boot_context_held_tokens", "Tokens that there is computed state of.",
               number(counters.held_tokens));
    text.gauge("vector_boot_context_room_tokens", "Tokens that there may be computed state of.",
               number(counters.token_room));
    write_model(text, backend);
}

void write_vllm_metrics(PrometheusText& text, const Backend& backend, const Load& load) {
    using enum PrometheusText::Type;
    const engine::Counters counters = backend.counters();
    const std::string model(backend.model_name());
    const auto write = [&](std::string_view name, std::string_view help, double value) {
        text.metric(name, gauge, help);
        text.sample(value, {{.name = "model_name", .value = model}});
    };
    write("vllm:num_requests_waiting", "As vector_boot_requests_waiting.", number(load.waiting));
    write("vllm:num_requests_running", "As vector_boot_requests_running.", number(load.running));
    const double used = share(counters.held_tokens, counters.token_room);
    write("vllm:kv_cache_usage_perc", "Held of the context's room, from 0 to 1.", used);
    write("vllm:gpu_cache_usage_perc", "The older name of vllm:kv_cache_usage_perc.", used);
    text.metric("vllm:cache_config_info", gauge, "The context's room in blocks.");
    text.sample(1, {{.name = "model_name", .value = model},
                    {.name = "block_size", .value = std::to_string(block_tokens)},
                    {.name = "num_gpu_blocks", .value = std::to_string(counters.token_room / block_tokens)}});
    // Older endpoint pickers take a missing metric for an error, so that there are no adapters is said. Of several
    // samples they take the one with the largest value, which is a time.
    text.metric("vllm:lora_requests_info", gauge, "Adapters: none. The value is the Unix time.");
    text.sample(number(std::time(nullptr)), {{.name = "max_lora", .value = "0"},
                                             {.name = "running_lora_adapters", .value = ""},
                                             {.name = "waiting_lora_adapters", .value = ""}});
}

void write_boot_metrics(PrometheusText& text, const trace::Timeline& timeline, std::uint32_t restarts) {
    text.metric("vector_boot_build_info", PrometheusText::Type::gauge, "The version that runs.");
    text.sample(1, {{.name = "version", .value = VB_VERSION}});
    text.counter("vector_boot_restarts_total", "Times that the runtime was started again since the boot.",
                 restarts);
    if (timeline.layout() == nullptr) { return; }
    const trace::Snapshot snapshot = trace::take_snapshot(timeline);
    std::map<std::string, trace::SnapshotSpan>
        phases; // after a restart a name is there twice: the last counts
    for (const trace::SnapshotSpan& span : snapshot.spans) {
        phases.insert_or_assign(span.name, span);
    }
    constexpr double milliseconds = 1000;
    text.metric("vector_boot_boot_phase_start_seconds", PrometheusText::Type::gauge,
                "When each phase of the boot began, from the boot's beginning.");
    for (const auto& [name, span] : phases) {
        text.sample(span.begin / milliseconds, {{.name = "phase", .value = name}});
    }
    text.metric("vector_boot_boot_phase_seconds", PrometheusText::Type::gauge,
                "How long each phase of the boot took; 0: a point in time.");
    for (const auto& [name, span] : phases) {
        text.sample((span.end - span.begin) / milliseconds, {{.name = "phase", .value = name}});
    }
}

} // namespace vb::http
