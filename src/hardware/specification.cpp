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
    {"file", Kind::file}, {"pci", Kind::pci}, {"vfio", Kind::vfio}, {"uio", Kind::uio}, {"path", Kind::path},
};

constexpr char operation[] = "read the device";

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
            return base::failure(operation, whole, "expected an address such as 0000:00:04.0");
        }
        pci.address = std::ranges::count(lower, ':') == 2 ? lower : "0000:" + lower;
        return pci;
    }
    std::string_view rest = lower;
    const std::string_view vendor = base::take_until(rest, ':');
    if (!is_hexadecimal(vendor, 4) || !is_hexadecimal(rest, 4)) {
        return base::failure(operation, whole,
                             "expected VENDOR:DEVICE such as 1234:11e8, or an address such as 0000:00:04.0");
    }
    pci.vendor = static_cast<std::uint16_t>(*parse_digits(vendor, 16));
    pci.device = static_cast<std::uint16_t>(*parse_digits(rest, 16));
    return pci;
}

base::Result<> take_options(Specification& specification, std::string_view options) {
    while (!options.empty()) {
        std::string_view value = base::take_until(options, '&');
        const std::string_view name = base::take_until(value, '=');
        if (name != "interrupt" || value.empty()) {
            return base::failure(operation, specification.text,
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
    if (specification.kind == Kind::file) {
        specification.object = base::take_until(object, '?');
        if (const auto taken = take_options(specification, object); !taken) { return taken; }
    } else {
        specification.object = object;
    }
    const bool is_path = specification.object.starts_with('/');
    if (specification.kind != Kind::uio && !is_path) {
        return base::failure(operation, specification.text, "expected a path that begins with /");
    }
    if (specification.kind == Kind::uio &&
        (specification.object.empty() || specification.object.contains('/'))) {
        return base::failure(operation, specification.text, "expected the name of a UIO device, or uioN");
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
        return base::failure(operation, specification.text,
                             "expected file:, pci:, vfio:, uio: or path: and what it is called");
    }
    specification.kind = known->kind;
    if (const auto taken = take_object(specification, text); !taken) {
        return std::unexpected(taken.error());
    }
    return specification;
}

} // namespace vb::hardware
