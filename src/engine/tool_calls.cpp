#include "engine/tool_calls.h"

#include <algorithm>
#include <utility>

namespace vb::engine {
namespace {

constexpr std::string_view white_space = " \t\r\n";

std::size_t begin_of_text(std::string_view text, std::size_t at) {
    return std::min(text.find_first_not_of(white_space, at), text.size());
}

// Length of the longest end of `text` that begins `mark`, and is not all of it.
std::size_t partial_match(std::string_view text, std::string_view mark) {
    for (std::size_t size = std::min(text.size(), mark.size() - 1); size > 0; --size) {
        if (text.ends_with(mark.substr(0, size))) { return size; }
    }
    return 0;
}

// Whether a call that has no mark of its own may begin like this: with {"name", and white space between.
bool may_be_bare_call(std::string_view text) {
    for (const std::string_view part : {"{", "\"name\""}) {
        text.remove_prefix(begin_of_text(text, 0));
        if (text.size() < part.size()) { return part.starts_with(text); }
        if (!text.starts_with(part)) { return false; }
        text.remove_prefix(part.size());
    }
    return true;
}

// The call that `json` is; one without a name is none.
ToolCall call_of(const Json& json) {
    ToolCall call;
    if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) { return call; }
    // Models take one of the names for the other.
    for (const char* const member : {"arguments", "parameters"}) {
        if (!json.contains(member) || !json[member].is_object()) { continue; }
        call.name = json["name"].get<std::string>();
        call.arguments = json_text(json[member]);
        break;
    }
    return call;
}

} // namespace

ToolCalls::ToolCalls(ToolFormat format, std::vector<std::string> names, std::uint32_t most)
    : format_(format), names_(std::move(names)), most_(most) {}

std::optional<std::string_view> ToolCalls::begun() const noexcept {
    if (state_ != State::call || mark_ == 0) { return std::nullopt; }
    return std::string_view(held_).substr(mark_);
}

void ToolCalls::add(std::string_view piece, Receiver& receiver) {
    held_ += piece;
    while (look(receiver)) {}
}

void ToolCalls::finish(Receiver& receiver) {
    // The end of the answer is the end of every call, but half a closing mark is nobody's text.
    const bool is_noise = state_ == State::ended ||
                          (state_ == State::between && count_ > 0 && begin_of_text(held_, 0) == held_.size());
    if (is_noise) { held_.clear(); }
    release(held_.size(), receiver);
    state_ = State::text;
}

bool ToolCalls::look(Receiver& receiver) {
    if (held_.empty()) { return false; }
    switch (state_) {
    case State::between:
        return look_between(receiver);
    case State::text:
        return look_in_text(receiver);
    case State::call:
        return look_in_call(receiver);
    case State::ended:
        return look_after_call();
    }
    std::unreachable();
}

bool ToolCalls::look_between(Receiver& receiver) {
    const std::size_t begin = begin_of_text(held_, 0);
    if (begin == held_.size()) { return false; }
    const std::string_view text = std::string_view(held_).substr(begin);
    const std::string_view mark = format_.begin();
    if (is_complete()) {
        state_ = State::text;
    } else if (text.starts_with(mark)) {
        state_ = State::call;
        at_ = mark_ = begin + mark.size();
    } else if (mark.starts_with(text)) {
        return false;
    } else if (format_.form == CallForm::bare && may_be_bare_call(text)) {
        state_ = State::call;
        at_ = begin;
        mark_ = 0;
    } else {
        if (count_ > 0 && format_.form == CallForm::bare && text.starts_with(';')) {
            held_.erase(0, begin + 1); // what some put between two calls
            return true;
        }
        state_ = State::text;
        release(begin, receiver);
    }
    return true;
}

bool ToolCalls::look_in_text(Receiver& receiver) {
    const std::string_view mark = format_.begin();
    const std::size_t found = is_complete() ? std::string::npos : held_.find(mark);
    if (found != std::string::npos) {
        release(found, receiver);
        state_ = State::call;
        at_ = mark_ = mark.size();
        return true;
    }
    release(held_.size() - (is_complete() ? 0 : partial_match(held_, mark)), receiver);
    return false;
}

// Looks for the end of the JSON that a call is.
bool ToolCalls::look_in_call(Receiver& receiver) {
    if (depth_ == 0) {
        at_ = begin_of_text(held_, at_);
        if (at_ == held_.size()) { return false; }
        const bool begins = held_[at_] == '{' || (format_.form == CallForm::bracketed && held_[at_] == '[');
        if (!begins) { return give_up(at_, receiver); }
    }
    if (mark_ == 0 && !may_be_bare_call(held_)) { return give_up(held_.size(), receiver); }
    for (; at_ < held_.size(); ++at_) {
        const char character = held_[at_];
        if (is_in_string_) {
            is_in_string_ = is_escaped_ || character != '"';
            is_escaped_ = !is_escaped_ && character == '\\';
        } else if (character == '"') {
            is_in_string_ = true;
        } else if (character == '{' || character == '[') {
            ++depth_;
        } else if ((character == '}' || character == ']') && --depth_ == 0) {
            const std::size_t end = std::exchange(at_, 0) + 1;
            if (!take_calls(std::string_view(held_).substr(mark_, end - mark_), receiver)) {
                return give_up(end, receiver);
            }
            held_.erase(0, end);
            state_ = State::ended;
            return true;
        }
    }
    return false;
}

bool ToolCalls::look_after_call() {
    const std::string_view mark = format_.end();
    const std::size_t begin = begin_of_text(held_, 0);
    const std::string_view text = std::string_view(held_).substr(begin);
    if (!mark.empty() && text.size() < mark.size() && mark.starts_with(text)) { return false; }
    if (text.starts_with(mark)) { held_.erase(0, begin + mark.size()); } // some forget it
    state_ = State::between;
    return true;
}

bool ToolCalls::take_calls(std::string_view text, Receiver& receiver) {
    std::vector<ToolCall> calls;
    try {
        const Json json = parse_json(text);
        if (json.is_array()) {
            std::ranges::transform(json, std::back_inserter(calls), call_of);
        } else {
            calls.push_back(call_of(json));
        }
    } catch (const std::exception&) { return false; } // it is no JSON
    const auto is_known = [this](const ToolCall& call) { return std::ranges::contains(names_, call.name); };
    if (calls.empty() || calls.size() > most_ - count_ || !std::ranges::all_of(calls, is_known)) {
        return false;
    }
    for (ToolCall& call : calls) {
        call.index = count_++;
        receiver.tool_call(call);
    }
    return true;
}

void ToolCalls::release(std::size_t size, Receiver& receiver) {
    if (size > 0) { receiver.text(std::string_view(held_).substr(0, size)); }
    held_.erase(0, size);
}

bool ToolCalls::give_up(std::size_t size, Receiver& receiver) {
    release(size, receiver);
    state_ = State::text;
    at_ = depth_ = 0;
    is_in_string_ = is_escaped_ = false;
    return true;
}

} // namespace vb::engine
