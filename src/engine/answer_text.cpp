#include "engine/answer_text.h"

#include <algorithm>
#include <utility>

namespace vb::engine {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

// What stands at the beginning of some bytes.
enum class Sequence : unsigned char { whole, incomplete, invalid };
struct Character {
    Sequence sequence;
    std::size_t size; // bytes that belong to it
};

// Table 3-7 of the Unicode standard: the second byte's range depends on the first, which excludes overlong
// forms, surrogates and everything above U+10FFFF.
Character first_character(std::string_view bytes) {
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(bytes[index]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) { return {Sequence::whole, 1}; }
    if (lead < 0xC2 || lead > 0xF4) { return {Sequence::invalid, 1}; }
    const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    for (std::size_t index = 1; index < size; ++index) {
        if (index == bytes.size()) { return {Sequence::incomplete, index}; }
        unsigned char least = 0x80;
        unsigned char most = 0xBF;
        if (index == 1) {
            if (lead == 0xE0) { least = 0xA0; }
            if (lead == 0xED) { most = 0x9F; }
            if (lead == 0xF0) { least = 0x90; }
            if (lead == 0xF4) { most = 0x8F; }
        }
        if (byte(index) < least || byte(index) > most) { return {Sequence::invalid, index}; }
    }
    return {Sequence::whole, size};
}

// Moves whole characters from `bytes` to `text`.
void move_characters(std::string& bytes, std::string& text) {
    std::string_view rest = bytes;
    while (!rest.empty()) {
        const Character character = first_character(rest);
        if (character.sequence == Sequence::incomplete) { break; }
        text += character.sequence == Sequence::whole ? rest.substr(0, character.size) : replacement;
        rest.remove_prefix(character.size);
    }
    bytes.erase(0, bytes.size() - rest.size());
}

// Length of the longest end of `text` that begins `stop`.
std::size_t partial_match(std::string_view text, std::string_view stop) {
    for (std::size_t size = std::min(text.size(), stop.size() - 1); size > 0; --size) {
        if (text.ends_with(stop.substr(0, size))) { return size; }
    }
    return 0;
}

} // namespace

AnswerText::AnswerText(std::vector<std::string> stop) : stop_(std::move(stop)) {
    std::erase_if(stop_, [](const std::string& text) { return text.empty(); });
}

std::string AnswerText::add(std::string_view bytes) {
    if (stopped_) { return {}; }
    bytes_ += bytes;
    move_characters(bytes_, text_);
    return release();
}

std::string AnswerText::release() {
    std::size_t first_stop = std::string::npos;
    std::size_t held = 0;
    for (const std::string& stop : stop_) {
        first_stop = std::min(first_stop, text_.find(stop));
        held = std::max(held, partial_match(text_, stop));
    }
    stopped_ = first_stop != std::string::npos;
    std::string out = text_.substr(0, stopped_ ? first_stop : text_.size() - held);
    text_.erase(0, stopped_ ? text_.size() : out.size());
    return out;
}

std::string AnswerText::finish() {
    if (stopped_) { return {}; }
    std::string out = std::exchange(text_, {});
    if (!std::exchange(bytes_, {}).empty()) { out += replacement; }
    return out;
}

} // namespace vb::engine
