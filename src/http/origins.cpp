#include "http/origins.h"

#include "http/error_reply.h"

#include <algorithm>

namespace vb::http {

namespace {

bool is_host_letter(char letter) noexcept {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
           std::string_view("-._:[]").contains(letter);
}

// Of a list of header names, as a preflight has it.
bool is_list_letter(char letter) noexcept {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || std::string_view("-_, ").contains(letter);
}

// Names that no name server has a say in.
bool is_loopback(std::string_view host) noexcept {
    if (host.starts_with("[::1]")) { return true; }
    const std::string_view name = host.substr(0, host.find(':'));
    return name == "localhost" || name.ends_with(".localhost") ||
           (name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos);
}

// A page that this server itself has sent.
bool is_own(const Exchange& exchange, std::string_view origin) {
    const std::size_t authority = origin.find("://");
    if (authority == std::string_view::npos) { return false; }
    const std::string_view host = origin.substr(authority + 3);
    return is_loopback(host) && exchange.header("Host") == host;
}

void answer_preflight(Exchange& exchange) {
    constexpr std::size_t longest = 1024;
    exchange.add_header("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS");
    const std::string asked = exchange.header("Access-Control-Request-Headers").value_or("");
    const bool is_sane = asked.size() <= longest && std::ranges::all_of(asked, is_list_letter);
    exchange.add_header("Access-Control-Allow-Headers",
                        is_sane && !asked.empty() ? asked : "authorization, content-type, x-api-key");
    exchange.add_header("Access-Control-Max-Age", "600");
    exchange.reply(204, "text/plain", "");
}

} // namespace

bool Origins::is_origin(std::string_view text) noexcept {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!text.starts_with(scheme)) { continue; }
        const std::string_view host = text.substr(scheme.size());
        return !host.empty() && std::ranges::all_of(host, is_host_letter);
    }
    return false;
}

bool Origins::admit(Exchange& exchange) const {
    if (!allowed_.empty()) { exchange.add_header("Vary", "Origin"); }
    const auto origin = exchange.header("Origin");
    if (!origin) { return true; }
    if (std::ranges::contains(allowed_, *origin)) {
        exchange.add_header("Access-Control-Allow-Origin", *origin);
        exchange.add_header("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
        if (exchange.method() != Method::options || !exchange.header("Access-Control-Request-Method")) {
            return true;
        }
        answer_preflight(exchange);
        return false;
    }
    if (!refuses_foreign_ || is_own(exchange, *origin)) { return true; }
    ErrorReply error =
        invalid_request("web pages of this origin may not use this server (--origin allows one)");
    error.status = 403;
    error.code = "origin_not_allowed";
    reply_error(exchange, error);
    return false;
}

} // namespace vb::http
