#include "http/entrance.h"

#include "http/error_reply.h"

#include <algorithm>
#include <array>
#include <format>
#include <string_view>

namespace vb::http {

namespace {

// What probes and browsers ask for before anybody can show a key. It says nothing that is worth one.
constexpr std::array<std::string_view, 3> public_paths = {"/", "/health", "/live"};
constexpr std::string_view page_path = "/page/";

bool is_public(const Exchange& exchange) {
    const bool reads = exchange.method() == Method::get || exchange.method() == Method::head;
    // Nobody wants to know what it says, and it would be kept until it is complete.
    const bool has_body =
        exchange.header("Transfer-Encoding") || exchange.header("Content-Length").value_or("0") != "0";
    const std::string path = exchange.path();
    return reads && !has_body && (std::ranges::contains(public_paths, path) || path.starts_with(page_path));
}

std::optional<std::string> shown_key(const Exchange& exchange) {
    constexpr std::string_view scheme = "Bearer ";
    if (auto authorization = exchange.header("Authorization");
        authorization &&
        equal_ignoring_case(std::string_view(*authorization).substr(0, scheme.size()), scheme)) {
        authorization->erase(0, scheme.size());
        return authorization;
    }
    return exchange.header("x-api-key");
}

} // namespace

bool Entrance::knows_client(Exchange& exchange) const {
    const auto shown = shown_key(exchange);
    if (const auto number = shown ? keys_->find(*shown) : std::nullopt) {
        exchange.set_client(std::format("key {}", *number));
        return true;
    }
    if (is_public(exchange)) { return true; }
    ErrorReply error =
        invalid_request(shown ? "the API key is not valid"
                              : "an API key is needed: Authorization: Bearer KEY, or x-api-key: KEY");
    error.status = 401;
    error.code = "invalid_api_key";
    exchange.add_header("WWW-Authenticate", "Bearer");
    reply_error(exchange, error);
    return false;
}

bool Entrance::admit(Exchange& exchange) const {
    return origins_.admit(exchange) && (keys_ == nullptr || knows_client(exchange));
}

void Entrance::handle(Exchange& exchange) const {
    if (admit(exchange)) { inside_(exchange); }
}

} // namespace vb::http
