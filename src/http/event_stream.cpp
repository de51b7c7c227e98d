#include "http/event_stream.h"

#include "base/text.h"
#include "http/error_reply.h"

#include <format>
#include <utility>

namespace vb::http {

void EventStream::publish(std::string_view name, std::string_view json) {
    const std::uint64_t number = ++last_;
    events_.push_back(
        {.number = number, .text = std::format("id: {}\nevent: {}\ndata: {}\n\n", number, name, json)});
    if (events_.size() > kept) { events_.pop_front(); }
    std::erase_if(listeners_, [this](Exchange* exchange) { return !send(*exchange, events_.back().text); });
}

void EventStream::serve(Exchange& exchange) {
    std::uint64_t seen = last_;
    if (const auto asked = exchange.header("Last-Event-ID"); asked && !base::parse_number(*asked, seen)) {
        return reply_error(
            exchange, invalid_request("'Last-Event-ID' must be the number of an event", "Last-Event-ID"));
    }
    exchange.add_header("Cache-Control", "no-store");
    exchange.start_stream("text/event-stream");
    // A number that is not there yet is one of an earlier process.
    const std::uint64_t after = seen > last_ ? 0 : seen;
    bool is_there = send(exchange, ": events\n\n"); // so that the listener knows at once that it is one
    for (const Event& event : events_) {
        if (is_there && event.number > after) { is_there = send(exchange, event.text); }
    }
    if (!is_there) { return; }
    if (has_ended_) { return exchange.end_stream(); }
    const auto place = listeners_.insert(listeners_.end(), &exchange);
    exchange.wait([this, place] { listeners_.erase(place); });
}

void EventStream::end() {
    has_ended_ = true;
    for (Exchange* const exchange : std::exchange(listeners_, {})) {
        exchange->end_stream();
    }
}

bool EventStream::send(Exchange& exchange, std::string_view text) {
    if (exchange.send(text)) { return true; }
    exchange.drop();
    return false;
}

} // namespace vb::http
