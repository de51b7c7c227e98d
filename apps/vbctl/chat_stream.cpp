#include "vbctl/chat_stream.h"

#include <glaze/json.hpp>
#include <vector>

// Named, since glaze's reflection needs types with linkage.
namespace vb::vbctl::wire {

struct Body {
    std::span<const ChatMessage> messages;
    bool stream = true;
};
struct Delta {
    std::optional<std::string> content;
};
struct Choice {
    Delta delta;
};
struct Error {
    std::string message;
};
struct Event {
    std::vector<Choice> choices;
    std::optional<Error> error;
};

} // namespace vb::vbctl::wire

namespace vb::vbctl {

namespace {

constexpr glz::opts lenient{.null_terminated = false, .error_on_unknown_keys = false};

struct JsonWriteOptions : glz::opts {
    bool escape_control_characters = true; // what a person typed may hold them
};

} // namespace

std::string chat_body(std::span<const ChatMessage> conversation) {
    std::string text;
    // Writing plain structs of strings into a string has no way to fail but the end of memory.
    static_cast<void>(glz::write<JsonWriteOptions{}>(wire::Body{.messages = conversation}, text));
    return text;
}

std::optional<std::string> error_message(std::string_view body) {
    wire::Event event;
    if (glz::read<lenient>(event, body) || !event.error) { return std::nullopt; }
    return std::move(event.error->message);
}

void ChatStream::take(std::string_view bytes, const std::function<void(std::string_view)>& piece) {
    partial_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
        take_line(std::string_view(partial_).substr(begin, end - begin), piece);
    }
    partial_.erase(0, begin);
}

void ChatStream::take_line(std::string_view line, const std::function<void(std::string_view)>& piece) {
    constexpr std::string_view data = "data:";
    if (line.ends_with('\r')) { line.remove_suffix(1); }
    if (!line.starts_with(data)) { return; } // between events, a comment, or another field
    line.remove_prefix(data.size());
    if (line.starts_with(' ')) { line.remove_prefix(1); }
    if (line == "[DONE]") {
        complete_ = true;
        return;
    }
    wire::Event event;
    if (const auto fault = glz::read<lenient>(event, line)) {
        error_ = "the server sent an event that is no JSON: " + glz::format_error(fault, line);
        return;
    }
    if (event.error) { error_ = std::move(event.error->message); }
    if (!event.choices.empty() && event.choices.front().delta.content) {
        piece(*event.choices.front().delta.content);
    }
}

} // namespace vb::vbctl
