#include "hardware/specification.h"

#include "hardware/sysfs.h"

#include <algorithm>
#include <array>

namespace vb::hardware {

namespace {

using Kind = Specification::Kind;

struct KindName {
    std::string_view name;
    Kind kind;
};
constexpr KindName kind_names[] = {
    {"file", Kind::file}, {"pci", Kind::pci},   {"vfio", Kind::vfio},   {"uio", Kind::uio},
    {"path", Kind::path}, {"gpio", Kind::gpio}, {"input", Kind::input},
};

constexpr char reading[] = "read the device";

bool is_hexadecimal(std::string_view text, std::size_t digits) {
    return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "0000:00:04.0", or without the domain.
bool is_address(std::string_view text) {
    if (std::ranges::count(text, ':') == 2) {
        if (!is_hexadecimal(base::take_until(text, ':'), 4)) { return false; }
    }
    return text.size() == 7 && is_hexadecimal(text.substr(0, 2), 2) && text[2] == ':' &&
           is_hexadecimal(text.substr(3, 2), 2) && text[5] == '.' && text[6] >= '0' && text[6] <= '7';
}

base::Result<PciName> parse_pci(std::string_view text, std::string_view whole) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'F' ? c | 0x20 : c; });
    PciName pci;
    if (lower.contains('.')) {
        if (!is_address(lower)) {
            return base::failure(reading, whole, "expected an address such as 0000:00:04.0");
        }
        pci.address = std::ranges::count(lower, ':') == 2 ? lower : "0000:" + lower;
        return pci;
    }
    std::string_view rest = lower;
    const std::string_view vendor = base::take_until(rest, ':');
    if (!is_hexadecimal(vendor, 4) || !is_hexadecimal(rest, 4)) {
        return base::failure(reading, whole,
                             "expected VENDOR:DEVICE such as 1234:11e8, or an address such as 0000:00:04.0");
    }
    pci.vendor = static_cast<std::uint16_t>(*parse_digits(vendor, 16));
    pci.device = static_cast<std::uint16_t>(*parse_digits(rest, 16));
    return pci;
}

// The one of the names that is meant, which are in the order of the values.
template <class Value>
bool choose(std::string_view text, std::initializer_list<std::string_view> names, Value& value) {
    const auto* const name = std::ranges::find(names, text);
    if (name == names.end()) { return false; }
    value = static_cast<Value>(name - names.begin());
    return true;
}

struct LineOption {
    std::string_view name;
    std::string_view expected;
    bool (*set)(GpioOptions& options, std::string_view value);
};
constexpr LineOption line_options[] = {
    {"direction", "input or output",
     [](GpioOptions& options, std::string_view value) {
         return choose(value, {"input", "output"}, options.direction);
     }},
    {"value", "0 or 1",
     [](GpioOptions& options, std::string_view value) { return choose(value, {"0", "1"}, options.value); }},
    {"active_low", "0 or 1",
     [](GpioOptions& options, std::string_view value) {
         return choose(value, {"0", "1"}, options.is_active_low);
     }},
    {"bias", "unchanged, off, pull_up or pull_down",
     [](GpioOptions& options, std::string_view value) {
         return choose(value, {"unchanged", "off", "pull_up", "pull_down"}, options.bias);
     }},
    {"debounce", "a whole number of microseconds",
     [](GpioOptions& options, std::string_view value) {
         return base::parse_number(value, options.debounce_microseconds);
     }},
    {"edges", "none, rising, falling or both",
     [](GpioOptions& options, std::string_view value) {
         return choose(value, {"none", "rising", "falling", "both"}, options.edges);
     }},
    {"drive", "push_pull, open_drain or open_source",
     [](GpioOptions& options, std::string_view value) {
         return choose(value, {"push_pull", "open_drain", "open_source"}, options.drive);
     }},
};

base::Result<> take_line_option(Specification& specification, std::string_view name, std::string_view value) {
    const auto* const known = std::ranges::find(line_options, name, &LineOption::name);
    base::Text<511> detail;
    if (known == std::end(line_options)) {
        detail << "\"" << name << "\" is not known here; there is";
        for (const LineOption& option : line_options) {
            detail << (&option == line_options ? " " : ", ") << option.name;
        }
        return base::failure(reading, specification.text, detail);
    }
    if (known->set(specification.gpio_options, value)) { return {}; }
    detail << name << " is \"" << value << "\", expected " << known->expected;
    return base::failure(reading, specification.text, detail);
}

// Options that do not go together; NULL: they do.
const char* contradiction_in(const GpioOptions& options) noexcept {
    const bool is_output = options.direction == GpioOptions::Direction::output;
    const bool is_of_input = options.edges != GpioOptions::Edges::none || options.debounce_microseconds > 0;
    if (is_output && is_of_input) { return "edges and debounce are an input's, and this is an output"; }
    const bool is_of_output = options.value || options.drive != GpioOptions::Drive::push_pull;
    if (!is_output && is_of_output) {
        return "value and drive are an output's, and this is an input without direction=output";
    }
    return nullptr;
}

// Labels of chips may have colons in them, as ACPI's do: the line is what follows the last one.
base::Result<> take_line(Specification& specification, std::string_view object) {
    std::string_view line = base::take_until(object, '?');
    const std::size_t colon = line.starts_with(':') ? 0 : line.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == line.size()) {
        return base::failure(reading, specification.text,
                             "expected CHIP:LINE such as gpiochip0:17, or :NAME of a line");
    }
    specification.gpio = {.chip = std::string(line.substr(0, colon)),
                          .line = std::string(line.substr(colon + 1))};
    while (!object.empty()) {
        std::string_view value = base::take_until(object, '&');
        const std::string_view name = base::take_until(value, '=');
        if (auto taken = take_line_option(specification, name, value); !taken) { return taken; }
    }
    const char* const contradiction = contradiction_in(specification.gpio_options);
    if (contradiction != nullptr) { return base::failure(reading, specification.text, contradiction); }
    return {};
}

base::Result<> take_options(Specification& specification, std::string_view options) {
    while (!options.empty()) {
        std::string_view value = base::take_until(options, '&');
        const std::string_view name = base::take_until(value, '=');
        if (name != "interrupt" || value.empty()) {
            return base::failure(reading, specification.text,
                                 "\"" + std::string(name) + "\" is not known here; there is interrupt=/path");
        }
        specification.interrupt = value;
    }
    return {};
}

base::Result<> take_object(Specification& specification, std::string_view object) {
    if (specification.kind == Kind::pci || specification.kind == Kind::vfio) {
        auto pci = parse_pci(object, specification.text);
        if (!pci) { return std::unexpected(pci.error()); }
        specification.pci = std::move(*pci);
        return {};
    }
    if (specification.kind == Kind::gpio) { return take_line(specification, object); }
    if (specification.kind == Kind::input) {
        if (object.empty()) {
            return base::failure(reading, specification.text,
                                 "expected eventN, or what the device calls itself");
        }
        specification.object = object;
        return {};
    }
    if (specification.kind == Kind::file) {
        specification.object = base::take_until(object, '?');
        if (const auto taken = take_options(specification, object); !taken) { return taken; }
    } else {
        specification.object = object;
    }
    const bool is_path = specification.object.starts_with('/');
    if (specification.kind != Kind::uio && !is_path) {
        return base::failure(reading, specification.text, "expected a path that begins with /");
    }
    if (specification.kind == Kind::uio &&
        (specification.object.empty() || specification.object.contains('/'))) {
        return base::failure(reading, specification.text, "expected the name of a UIO device, or uioN");
    }
    return {};
}

} // namespace

std::string PciName::text() const {
    if (!address.empty()) { return address; }
    base::Text<15> digits;
    for (const std::uint16_t number : {vendor, device}) {
        base::Text<7> part;
        part.append(number, 16);
        if (!digits.empty()) { digits << ":"; }
        digits << std::string_view("0000").substr(part.size()) << part.view();
    }
    return std::string(digits.view());
}

base::Result<Specification> parse_specification(std::string_view text) {
    Specification specification;
    specification.text = text;
    const std::string_view name = base::take_until(text, ':');
    const auto* const known = std::ranges::find(kind_names, name, &KindName::name);
    if (known == std::end(kind_names)) {
        return base::failure(
            reading, specification.text,
            "expected file:, pci:, vfio:, uio:, path:, gpio: or input: and what it is called");
    }
    specification.kind = known->kind;
    if (const auto taken = take_object(specification, text); !taken) {
        return std::unexpected(taken.error());
    }
    return specification;
}

std::string_view explain(Specification::Kind kind) noexcept {
    switch (kind) {
    case Kind::gpio:
        return "it is a GPIO line: Gpio() in Python and vb_gpio_open() in C open it";
    case Kind::input:
        return "it is an input device: Input() in Python and vb_input_open() in C open it";
    case Kind::file:
    case Kind::pci:
    case Kind::vfio:
    case Kind::uio:
    case Kind::path:
        break;
    }
    return "it is a device with registers: Device() in Python and vb_device_open() in C open it";
}

} // namespace vb::hardware
