#include "http/fields.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <glaze/json/read.hpp>
#include <utility>

namespace vb::http {

namespace {

using Members = std::map<std::string, glz::raw_json_view>;

// Values that are skipped or kept raw are checked as well: they are handed on, and glaze's depth limit holds.
struct BodyOptions : glz::opts {
    bool validate_skipped = true;
    bool validate_trailing_whitespace = true;
};
constexpr BodyOptions body_options{{.null_terminated = false, .error_on_unknown_keys = false}};
constexpr glz::opts field_options{.null_terminated = false, .error_on_unknown_keys = false};

ErrorReply malformed(std::string_view body, const glz::error_ctx& fault) {
    const std::string_view before = body.substr(0, fault.count);
    const auto line = std::ranges::count(before, '\n') + 1;
    const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    return invalid_request(std::format("the body is not valid JSON: {} at line {}, column {}",
                                       glz::format_error(fault.ec), line, column));
}

} // namespace

Fields Fields::of_body(std::string_view body, Fault& fault) {
    Fields fields(fault, "");
    if (!base::trimmed(body).starts_with('{')) {
        fault = invalid_request("the body must be a JSON object");
        return fields;
    }
    Members members;
    if (const glz::error_ctx wrong = glz::read<body_options>(members, body)) {
        fault = malformed(body, wrong);
        return fields;
    }
    for (const auto& [name, value] : members) {
        fields.members_.emplace(name, base::trimmed(value.str));
    }
    return fields;
}

void Fields::take_members(std::string_view object, std::string_view name) {
    Members members;
    // The body was checked as a whole: what does not parse is of another type.
    if (!object.starts_with('{') || glz::read<field_options>(members, object)) {
        return refuse(name, "an object");
    }
    prefix_ += std::string(name) + '.';
    for (const auto& [key, value] : members) {
        members_.emplace(key, base::trimmed(value.str));
    }
}

std::string_view Fields::raw(std::string_view name) const {
    const auto found = members_.find(name);
    if (found == members_.end() || found->second == "null" || faulty()) { return {}; }
    return found->second;
}

template <class Value>
bool Fields::read_as(std::string_view name, Value& value, std::string_view expected) const {
    const std::string_view text = raw(name);
    if (text.empty()) { return false; }
    Value read{};
    if (glz::read<field_options>(read, text)) {
        refuse(name, expected);
        return false;
    }
    value = std::move(read);
    return true;
}

bool Fields::read(std::string_view name, bool& value) const { return read_as(name, value, "true or false"); }
bool Fields::read(std::string_view name, std::string& value) const {
    return read_as(name, value, "a string");
}

bool Fields::read(std::string_view name, float& value, float least, float most) const {
    const std::string expected = std::format("a number from {} to {}", least, most);
    float number = 0;
    if (!read_as(name, number, expected)) { return false; }
    if (!(number >= least && number <= most)) { // true for a NaN as well
        refuse(name, expected);
        return false;
    }
    value = number;
    return true;
}

bool Fields::read(std::string_view name, std::int64_t& value, std::int64_t least, std::int64_t most) const {
    const bool any = least == std::numeric_limits<std::int64_t>::min();
    const std::string expected =
        any ? std::string("an integer") : std::format("an integer from {} to {}", least, most);
    std::int64_t number = 0;
    if (!read_as(name, number, expected)) { return false; }
    if (number < least || number > most) {
        refuse(name, expected);
        return false;
    }
    value = number;
    return true;
}

bool Fields::read(std::string_view name, std::uint32_t& value, std::uint32_t least,
                  std::uint32_t most) const {
    std::int64_t number = 0;
    if (!read(name, number, std::int64_t{least}, std::int64_t{most})) { return false; }
    value = static_cast<std::uint32_t>(number);
    return true;
}

bool Fields::read(std::string_view name, std::vector<std::string>& value, std::string_view expected) const {
    if (!raw(name).starts_with('"')) { return read_as(name, value, expected); }
    std::string one;
    if (!read_as(name, one, expected)) { return false; }
    value = {std::move(one)};
    return true;
}
bool Fields::read(std::string_view name, engine::Tokens& value, std::string_view expected) const {
    return read_as(name, value, expected);
}
bool Fields::read(std::string_view name, std::vector<engine::Tokens>& value,
                  std::string_view expected) const {
    return read_as(name, value, expected);
}
bool Fields::read(std::string_view name, std::map<std::string, float>& value,
                  std::string_view expected) const {
    return read_as(name, value, expected);
}

Fields Fields::object(std::string_view name) const {
    Fields fields(*fault_, prefix_);
    if (const std::string_view text = raw(name); !text.empty()) { fields.take_members(text, name); }
    return fields;
}

std::vector<Fields> Fields::objects(std::string_view name) const {
    std::vector<glz::raw_json_view> elements;
    std::vector<Fields> found;
    if (!read_as(name, elements, "an array of objects")) { return found; }
    found.reserve(elements.size());
    for (std::size_t index = 0; index < elements.size() && !faulty(); ++index) {
        found.push_back(Fields(*fault_, prefix_));
        found.back().take_members(base::trimmed(elements[index].str), std::format("{}[{}]", name, index));
    }
    return found;
}

void Fields::refuse(std::string_view name, std::string_view expected) const {
    if (faulty()) { return; }
    *fault_ = invalid_request(std::format("'{}' must be {}", path(name), expected), path(name));
}

void Fields::refuse_if_there(std::string_view name, std::string_view expected) const {
    if (has(name)) { refuse(name, expected); }
}

} // namespace vb::http
