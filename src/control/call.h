// One message of a Varlink client: https://varlink.org/Method-Call. The bytes come from whoever may connect; what is
// not a well-formed call is nothing, and what a call carries is looked at only by the name that is asked for.
#pragma once

#include <optional>
#include <string_view>

namespace vb::control {

inline constexpr std::string_view service_interface = "org.varlink.service";
inline constexpr std::string_view control_interface = "io.vectorboot.Control";

struct Call {
    std::string_view interface;  // "io.vectorboot.Control" of "io.vectorboot.Control.Status"
    std::string_view method;     // "Status"
    std::string_view name;       // both
    std::string_view parameters; // JSON, or empty
    bool oneway = false;
    bool more = false;
    bool upgrade = false;
};

// `message` is without its final NUL. The views point into it.
std::optional<Call> parse_call(std::string_view message) noexcept;

// Whether the call carries an object, or nothing, as its parameters.
bool has_valid_parameters(const Call& call) noexcept;

enum class Parameter : unsigned char { none, unit, level, interface };

inline constexpr std::string_view parameter_names[] = {"", "unit", "level", "interface"};

// The string of that name: at most 255 letters, digits and "._@:-", which is what units, levels and interfaces are
// called. Nothing where it is missing or is anything else, an escape included.
std::optional<std::string_view> read_parameter(const Call& call, Parameter parameter) noexcept;

} // namespace vb::control
