#include "capi/options.h"

#include <cmath>
#include <limits>
#include <string>

namespace vb::capi {
namespace {

constexpr std::uint32_t most_threads = 512; // of one computation, in ggml
constexpr std::uint32_t most_alternatives = 20;
constexpr std::uint32_t new_seed_each_time = engine::Sampling{}.seed;

// Checks fields one after the other; what is wrong first is what the caller hears.
class Fields {
  public:
    explicit Fields(const char* function) noexcept : function_(function) {}

    void at_most(const char* name, std::uint32_t value, std::uint32_t most) noexcept {
        if (value > most) { refuse(name, " is ", value, ", expected at most ", most); }
    }
    void zero(const char* name, std::uint32_t value) noexcept {
        if (value != 0) { refuse(name, " is ", value, ", expected 0"); }
    }
    void between(const char* name, float value, float least, float most, const char* expected) noexcept {
        if (value >= least && value <= most) { return; } // not where it is no number
        refuse(name, " is ", std::string_view(std::to_string(value)), ", expected ", expected);
    }
    // An array whose length follows it.
    void array(const char* name, const void* values, std::size_t count) noexcept {
        if (values == nullptr && count != 0) { refuse(name, " is NULL, but ", name, "_count is ", count); }
    }
    template <class... Parts>
    void refuse(const char* name, const Parts&... parts) noexcept {
        if (status_ == VB_OK) { status_ = fail(VB_ERROR_ARGUMENT, function_, ": options.", name, parts...); }
    }
    std::int32_t status() const noexcept { return status_; }

  private:
    const char* function_;
    std::int32_t status_ = VB_OK;
};

void check_sampling(Fields& fields, const vb_request_options& options) noexcept {
    constexpr float largest = std::numeric_limits<float>::max();
    fields.between("temperature", options.temperature, 0, largest, "0 or more");
    fields.between("top_p", options.top_p, 0, 1, "0 to 1");
    fields.between("min_p", options.min_p, 0, 1, "0 to 1");
    fields.between("repeat_penalty", options.repeat_penalty, 0, largest, "0 or more");
    fields.between("frequency_penalty", options.frequency_penalty, -largest, largest, "a finite number");
    fields.between("presence_penalty", options.presence_penalty, -largest, largest, "a finite number");
    fields.at_most("logprobs", options.logprobs, most_alternatives + 1);
}

void check_arrays(Fields& fields, const vb_request_options& options, std::uint32_t vocabulary) noexcept {
    fields.array("stop", options.stop, options.stop_count);
    fields.array("logit_bias", options.logit_bias, options.logit_bias_count);
    if (fields.status() != VB_OK) { return; }
    for (std::size_t index = 0; index < options.stop_count; ++index) {
        const char* const stop = options.stop[index];
        if (stop == nullptr || *stop == '\0') {
            fields.refuse("stop[", index, "] is ", stop == nullptr ? "NULL" : "empty", ", expected a text");
        }
    }
    for (std::size_t index = 0; index < options.logit_bias_count; ++index) {
        const auto [token, bias] = options.logit_bias[index];
        if (token < 0 || static_cast<std::uint32_t>(token) >= vocabulary) {
            fields.refuse("logit_bias[", index, "].token is ", token, ", expected 0 to ", vocabulary - 1);
        } else if (std::isnan(bias) || bias == std::numeric_limits<float>::infinity()) {
            fields.refuse("logit_bias[", index,
                          "].bias is no number or infinite, expected a number or -INFINITY");
        }
    }
}

engine::Sampling sampling_of(const vb_request_options& options) {
    engine::Sampling sampling;
    sampling.temperature = options.temperature;
    sampling.top_k = options.top_k;
    sampling.top_p = options.top_p != 0 ? options.top_p : 1;
    sampling.min_p = options.min_p;
    sampling.repeat_penalty = options.repeat_penalty != 0 ? options.repeat_penalty : 1;
    sampling.frequency_penalty = options.frequency_penalty;
    sampling.presence_penalty = options.presence_penalty;
    if (options.penalty_tokens != 0) { sampling.penalty_tokens = options.penalty_tokens; }
    sampling.seed = new_seed_each_time;
    if (options.has_seed != 0) {
        // The engine has a meaning of its own for one of the numbers; a neighbour is as good a seed.
        sampling.seed = options.seed != new_seed_each_time ? options.seed : new_seed_each_time - 1;
    }
    for (std::size_t index = 0; index < options.logit_bias_count; ++index) {
        sampling.logit_bias.push_back({options.logit_bias[index].token, options.logit_bias[index].bias});
    }
    if (options.grammar != nullptr) { sampling.grammar = options.grammar; }
    if (options.schema != nullptr) { sampling.schema = options.schema; }
    return sampling;
}

// Nothing where it is later than the clock can say.
std::optional<base::Nanoseconds> deadline_after(std::uint64_t milliseconds) noexcept {
    const base::Nanoseconds now = base::monotonic_now();
    const auto most = std::chrono::floor<std::chrono::milliseconds>(base::Nanoseconds::max() - now);
    if (milliseconds == 0 || milliseconds >= static_cast<std::uint64_t>(most.count())) {
        return std::nullopt;
    }
    return now + std::chrono::milliseconds(milliseconds);
}

} // namespace

std::int32_t fail_size(const char* function, const char* what, std::uint32_t found,
                       std::size_t known) noexcept {
    return fail(VB_ERROR_ARGUMENT, function, ": ", what, ".struct_size is ", found, ", expected ", known,
                "; begin with the struct's _INIT");
}

Checked<engine::Options> engine_options(const char* function, const char* path,
                                        const vb_model_options& options) {
    Fields fields(function);
    fields.at_most("context", options.context, std::numeric_limits<std::int32_t>::max());
    fields.at_most("threads", options.threads, most_threads);
    fields.at_most("parallel", options.parallel, engine::Options::most_parallel);
    fields.at_most("kept", options.kept, std::numeric_limits<std::int32_t>::max());
    fields.zero("reserved", options.reserved);
    fields.zero("reserved_too", options.reserved_too);
    if (fields.status() != VB_OK) { return std::unexpected(fields.status()); }

    engine::Options wanted;
    wanted.model = path;
    if (options.context != 0) { wanted.context = options.context; }
    wanted.threads = options.threads;
    if (options.parallel != 0) { wanted.parallel = options.parallel; }
    wanted.kept = options.kept;
    if (options.cache != nullptr) { wanted.cache = options.cache; }
    return wanted;
}

Checked<base::Level> log_level(const char* function, const vb_model_options& options) {
    if (options.log_level == 0) { return base::Level::warning; }
    if (options.log_level < VB_LOG_ERROR || options.log_level > VB_LOG_DEBUG) {
        return std::unexpected(fail(VB_ERROR_ARGUMENT, function, ": options.log_level is ", options.log_level,
                                    ", expected 0 or VB_LOG_ERROR (3) to VB_LOG_DEBUG (7)"));
    }
    return static_cast<base::Level>(options.log_level - VB_LOG_ERROR);
}

Checked<engine::Request> engine_request(const char* function, const vb_request_options& options,
                                        std::uint32_t vocabulary) {
    Fields fields(function);
    check_sampling(fields, options);
    check_arrays(fields, options, vocabulary);
    if (options.grammar != nullptr && options.schema != nullptr) {
        fields.refuse("grammar", " and schema are both set, expected one of them");
    }
    if (fields.status() != VB_OK) { return std::unexpected(fields.status()); }

    engine::Request request;
    request.max_tokens = options.max_tokens;
    request.stop.assign(options.stop, options.stop + options.stop_count);
    request.sampling = sampling_of(options);
    if (options.logprobs != 0) { request.alternatives = options.logprobs - 1; }
    request.deadline = deadline_after(options.deadline_ms);
    request.slides = options.slides != 0;
    return request;
}

} // namespace vb::capi
