// JSON written from structs. Include it in .cpp files only: it is slow to compile.
#pragma once

#include <algorithm>
#include <glaze/json/write.hpp>
#include <string>
#include <string_view>

// A struct may name optional fields that are left out, not null, where they have no value:
// static constexpr std::array<std::string_view, 1> left_out{"usage"};
template <class Document>
    requires requires { Document::left_out; }
struct glz::meta<Document> {
    static constexpr bool skip_if(const auto& value, std::string_view name, const glz::meta_context&) {
        if constexpr (requires { value.has_value(); }) {
            return !value.has_value() && std::ranges::contains(Document::left_out, name);
        }
        return false;
    }
};

namespace vb::http {

// What a model says may hold control characters: unescaped they would make the document invalid.
// An optional without a value is written as null.
struct JsonWriteOptions : glz::opts {
    bool escape_control_characters = true;
};

template <class Document>
std::string json(const Document& document) {
    constexpr JsonWriteOptions with_nulls{{.skip_null_members = false}};
    std::string text;
    // Writing plain structs of strings and numbers into a string has no way to fail but the end of memory.
    static_cast<void>(glz::write<with_nulls>(document, text));
    return text;
}

} // namespace vb::http
