#include "http/router.h"

#include "http/error_reply.h"

#include <algorithm>
#include <format>
#include <utility>

namespace vb::http {

namespace {

std::string_view allowed_methods(bool get, bool post) {
    if (get && post) { return "GET, HEAD, POST, OPTIONS"; }
    return get ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
}

} // namespace

void Router::add(Method method, std::string path, Handler handler) {
    Handlers& handlers = paths_[std::move(path)];
    (method == Method::post ? handlers.post : handlers.get) =
        [handler = std::move(handler)](Exchange& exchange, std::string_view) { handler(exchange); };
}

void Router::add_folder(Method method, std::string folder, FolderHandler handler) {
    Handlers& handlers = folders_[std::move(folder)];
    (method == Method::post ? handlers.post : handlers.get) = std::move(handler);
}

void Router::route(Exchange& exchange) const {
    const std::string path = exchange.path();
    if (const auto found = paths_.find(path.empty() ? "/" : path); found != paths_.end()) {
        return answer(exchange, found->second, {});
    }
    for (const auto& [folder, handlers] : folders_) {
        const std::string_view rest = std::string_view(path).substr(std::min(folder.size(), path.size()));
        if (path.starts_with(folder) && !rest.empty()) { return answer(exchange, handlers, rest); }
    }
    // A method that is not known may have a body that was not read.
    if (exchange.method() == Method::other) { exchange.close_afterwards(); }
    reply_error(exchange, not_found(std::format("there is nothing at {}", path)));
}

std::string_view Router::route_of(std::string_view path) const {
    if (const auto found = paths_.find(path.empty() ? "/" : path); found != paths_.end()) {
        return found->first;
    }
    const auto folder = std::ranges::find_if(folders_, [path](const auto& entry) {
        return path.starts_with(entry.first) && path.size() > entry.first.size();
    });
    return folder == folders_.end() ? std::string_view("other") : std::string_view(folder->first);
}

void Router::answer(Exchange& exchange, const Handlers& handlers, std::string_view rest) {
    const Method asked = exchange.method();
    if (asked == Method::post && handlers.post) { return handlers.post(exchange, rest); }
    if ((asked == Method::get || asked == Method::head) && handlers.get) {
        return handlers.get(exchange, rest);
    }
    const std::string methods(allowed_methods(bool(handlers.get), bool(handlers.post)));
    exchange.add_header("Allow", methods);
    if (asked == Method::options) { return exchange.reply(204, "text/plain", ""); }
    if (asked == Method::other) { exchange.close_afterwards(); }
    ErrorReply error = invalid_request("this path allows only: " + methods);
    error.status = 405;
    error.code = "method_not_allowed";
    reply_error(exchange, error);
}

} // namespace vb::http
