// One HTTP request, as it was read, and how its words are read. Nothing here trusts its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vb::http {

enum class Method : std::uint8_t { get, head, post, options, other };

struct Header {
    std::string name, value;
};

struct Request {
    Method method = Method::other;
    std::string_view method_name; // lives for ever; empty where the method is not known
    std::string target;           // as it came
    std::string path;             // of the target, percent-decoded: UTF-8 without control characters
    std::string query_text;       // of the target, as it came, without a malformed escape
    std::vector<Header> headers;
    std::string body;
    bool keeps_connection = false; // the client's wish
    bool takes_chunks =
        false; // HTTP/1.1: pieces of a reply can be told apart, interim replies are understood

    // The value of the first header of this name, in whatever case.
    const std::string* header(std::string_view name) const noexcept;
    // The value of this name in the query.
    std::optional<std::string> query(std::string_view name) const;

    // Takes path and query from the target; false where it is no target of a request to a server.
    bool split_target();
};

bool equal_ignoring_case(std::string_view one, std::string_view other) noexcept;

} // namespace vb::http
