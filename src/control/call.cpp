#include "control/call.h"

#include <algorithm>
#include <glaze/json/read.hpp>

// Named, since glaze's reflection needs types with linkage.
namespace vb::control::wire {

struct CallFields {
    std::string_view method;
    glz::raw_json_view parameters;
    bool oneway = false;
    bool more = false;
    bool upgrade = false;
};
struct ParameterFields {
    glz::raw_json_view unit, level, interface;
};

} // namespace vb::control::wire

namespace vb::control {

namespace {

// Values that are skipped or kept raw are checked as well, so that glaze's limit of depth holds for them. Small
// rather than fast.
struct ReadOptions : glz::opts {
    bool validate_skipped = true;
    bool validate_trailing_whitespace = true;
    bool linear_search = true;
};
constexpr ReadOptions options{{.null_terminated = false, .error_on_unknown_keys = false}};

bool is_name(std::string_view text) noexcept {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:-";
    constexpr std::size_t most = 255;
    return !text.empty() && text.size() <= most && text.find_first_not_of(letters) == std::string_view::npos;
}

bool read_fields(std::string_view parameters, wire::ParameterFields& fields) noexcept {
    return parameters.empty() || !glz::read<options>(fields, parameters);
}

} // namespace

std::optional<Call> parse_call(std::string_view message) noexcept {
    wire::CallFields fields;
    if (glz::read<options>(fields, message) || !is_name(fields.method)) { return std::nullopt; }
    const std::size_t dot = fields.method.rfind('.');
    if (dot == std::string_view::npos) { return std::nullopt; }
    const bool is_null = fields.parameters.str == "null";
    return Call{.interface = fields.method.substr(0, dot),
                .method = fields.method.substr(dot + 1),
                .name = fields.method,
                .parameters = is_null ? std::string_view() : fields.parameters.str,
                .oneway = fields.oneway,
                .more = fields.more,
                .upgrade = fields.upgrade};
}

bool has_valid_parameters(const Call& call) noexcept {
    wire::ParameterFields fields;
    return read_fields(call.parameters, fields);
}

std::optional<std::string_view> read_parameter(const Call& call, Parameter parameter) noexcept {
    wire::ParameterFields fields;
    if (!read_fields(call.parameters, fields)) { return std::nullopt; }
    const std::string_view raw = parameter == Parameter::unit    ? fields.unit.str
                                 : parameter == Parameter::level ? fields.level.str
                                                                 : fields.interface.str;
    std::string_view text;
    if (glz::read<options>(text, raw) || !is_name(text)) { return std::nullopt; }
    return text;
}

} // namespace vb::control
