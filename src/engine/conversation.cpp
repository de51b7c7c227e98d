#include "engine/conversation.h"

#include "engine/bounded_json.h"

namespace vb::engine {
namespace {

Result<Json> read(std::string_view text) {
    std::string reason = "expected a JSON array";
    try {
        Json messages = parse_json(text);
        if (messages.is_array()) { return messages; }
        reason += std::string(", found ") + messages.type_name();
    } catch (const std::exception& fault) { reason = fault.what(); }
    return refuse("messages: " + reason);
}

} // namespace

Result<std::string> add_messages(const std::string& messages, const std::string& more) {
    auto all = read(messages);
    if (!all) { return std::unexpected(std::move(all.error())); }
    auto added = read(more);
    if (!added) { return std::unexpected(std::move(added.error())); }
    for (Json& message : *added) {
        all->push_back(std::move(message));
    }
    return json_text(*all);
}

std::string add_answer(const std::string& messages, std::string_view answer) {
    Json all = read(messages).value_or(Json::array());
    all.push_back({{"role", "assistant"}, {"content", answer}});
    return json_text(all);
}

} // namespace vb::engine
