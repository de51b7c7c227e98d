// JSON from outside, as a tree.
#pragma once

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string_view>

namespace vb::engine {

using Json = nlohmann::ordered_json;

// Throws where the text is no JSON, and where it nests so deeply that copying the tree, which is done recursively,
// could exhaust the stack.
inline Json parse_json(std::string_view text) {
    constexpr int deepest = 32; // messages nest four deep
    const auto bound = [](int depth, Json::parse_event_t, Json&) {
        if (depth > deepest) { throw std::runtime_error("JSON nests deeper than 32 levels"); }
        return true;
    };
    return Json::parse(text, bound);
}

} // namespace vb::engine
