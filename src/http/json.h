// JSON written from structs. Include it in .cpp files only: it is slow to compile.
#pragma once

#include <glaze/json/write.hpp>
#include <string>

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
