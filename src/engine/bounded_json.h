// JSON from outside, as a tree.
#pragma once

#include <nlohmann/json.hpp>

#include <array>
#include <stdexcept>
#include <string_view>

namespace vb::engine {

using Json = nlohmann::ordered_json;

// Throws where the text is no JSON, where it nests so deeply that copying the tree, which is done recursively,
// could exhaust the stack, and where an object has so many members that to find one, which is done one by one,
// takes long.
inline Json parse_json(std::string_view text) {
    constexpr int deepest = 32; // messages nest seven deep, and tools' parameters four deeper than a schema
    constexpr unsigned most_members = 4096;
    std::array<unsigned, deepest + 2> members{};
    const auto bound = [&members](int depth, Json::parse_event_t event, Json&) {
        if (depth > deepest) { throw std::runtime_error("JSON nests deeper than 32 levels"); }
        const auto level = static_cast<std::size_t>(depth);
        if (event == Json::parse_event_t::object_start) { members.at(level + 1) = 0; }
        if (event == Json::parse_event_t::key && ++members.at(level) > most_members) {
            throw std::runtime_error("a JSON object has more than 4096 members");
        }
        return true;
    };
    return Json::parse(text, bound);
}

// On one line; bytes that are no UTF-8 become U+FFFD.
inline std::string json_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace vb::engine
