// Any bytes from an HTTP client, in any pieces: requests within their limits or a fault with a status that HTTP has for it,
// and the same whatever the pieces. The first byte says how large they are.
#include "http/request_parser.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

using namespace vb::http;

constexpr Limits limits{.body = 200, .headers = 2000, .target = 200};
constexpr int statuses[] = {400, 405, 413, 414, 417, 431, 501, 505};

void require(bool truth) {
    if (!truth) { std::abort(); }
}

void check(const Request& request) {
    require(request.body.size() <= limits.body && request.target.size() <= limits.target);
    require(!request.path.empty() && !request.method_name.empty());
    require(std::ranges::none_of(request.path, [](char letter) { return letter >= 0 && letter < ' '; }));
    std::size_t size = 0;
    for (const Header& header : request.headers) {
        size += header.name.size() + header.value.size();
        require(!header.name.empty() && !header.value.contains('\n') && !header.value.contains('\0'));
    }
    require(size <= limits.headers);
    require(!request.query("format") || !request.query("format")->contains('\0'));
}

// The bodies of all requests, and the status of the fault that ended them.
std::vector<std::string> outcome(std::string_view bytes, std::size_t step) {
    std::vector<std::string> bodies;
    RequestParser parser(limits);
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, step);
        const auto taken = parser.feed(piece);
        if (!taken) {
            require(std::ranges::contains(statuses, taken.error().status) && !taken.error().message.empty());
            require(!parser.feed("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
            bodies.push_back(std::to_string(taken.error().status));
            return bodies;
        }
        require(*taken <= piece.size() && (*taken > 0 || parser.is_complete()));
        require(*taken == piece.size() || parser.is_complete());
        bytes.remove_prefix(*taken);
        if (!parser.is_complete()) { continue; }
        const Request request = parser.take();
        check(request);
        bodies.push_back(request.path + ' ' + request.body);
        if (!request.keeps_connection) { break; } // nothing of what follows is read
    }
    return bodies;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) { return 0; }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    require(outcome(bytes, std::size_t{data[0]} + 1) == outcome(bytes, size));
    return 0;
}
