#include "config/rule_json.h"

#include "config/rule_names.h"

#include <glaze/json.hpp>

namespace vb::config {

namespace {

struct EscapedJson : glz::opts_size { // PID 1 is to be small
    bool escape_control_characters = true;
};

} // namespace

std::string json_of(const Rule& rule) {
    std::string text;
    // Plain numbers and texts: there is no way to fail but the end of memory.
    static_cast<void>(glz::write<EscapedJson{}>(rule, text));
    return text;
}

base::Result<Rule> read_rule(std::string_view json) {
    Rule rule;
    if (const glz::error_ctx fault = glz::read<glz::opts_size{}>(rule, json)) {
        base::Error error{
            .operation = "read a rule", .object = json.substr(0, 40), .number = 0, .detail = {}};
        error.detail << "byte " << fault.count << ": expected JSON with the keys of [[on]]";
        return std::unexpected(error);
    }
    if (const auto fault = find_fault(rule)) {
        base::Error error{
            .operation = "read a rule", .object = std::string_view(rule.name), .number = 0, .detail = {}};
        error.detail << "expected " << fault->key << " to be " << fault->expected.view();
        return std::unexpected(error);
    }
    return rule;
}

} // namespace vb::config
