#include "config/kernel_words.h"

#include "config/names.h"

namespace vb::config {

namespace {

// Takes the next word off the front of `rest`. A quote lets spaces into a word, as in parse_args() of the
// kernel.
std::string_view take_word(std::string_view& rest) noexcept {
    constexpr std::string_view blank = " \t\n";
    rest.remove_prefix(std::min(rest.find_first_not_of(blank), rest.size()));
    bool quoted = false;
    std::size_t end = 0;
    while (end < rest.size() && (quoted || blank.find(rest[end]) == std::string_view::npos)) {
        quoted = quoted != (rest[end] == '"');
        ++end;
    }
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    return word;
}

std::string_view unquote(std::string_view value) noexcept {
    if (value.starts_with('"')) { value.remove_prefix(1); }
    if (value.ends_with('"')) { value.remove_suffix(1); }
    return value;
}

} // namespace

KernelWords parse_kernel_words(std::string_view text) noexcept {
    KernelWords words;
    while (true) {
        std::string_view word = take_word(text);
        if (word.empty()) { return words; }
        if (word == "--") { return words; } // what follows are arguments, and reach main() as such
        if (word.starts_with('"')) { word = unquote(word); }
        const std::size_t equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view{} : unquote(word.substr(equals + 1));
        if (name == "vb.config") {
            words.config = value;
        } else if (name == "vb.model") {
            words.model = value;
        } else if (name == "vb.handoff") {
            words.handoff = value;
        } else if (name == "vb.log") {
            words.log = value;
        } else if (name == "vb.break") {
            words.stop_at = value;
        } else if (name == "ip") {
            words.ip = value;
        } else if (name.starts_with("vb.")) {
            words.unknown << (words.unknown.empty() ? "" : " ") << word;
        }
    }
}

base::Result<> apply(const KernelWords& words, Config& config) {
    if (!words.model.empty()) { config.engine.model = words.model; }
    // What is wrong with one word does not keep the other from counting.
    auto level = apply_level(words.log, "read", "vb.log= of the kernel command line", config);
    if (!words.stop_at.empty() && !parse_name(words.stop_at, break_names, config.machine.break_at)) {
        level = base::failure("read", "vb.break= of the kernel command line", "expected early or runtime");
    }
    HandoffMode mode = config.handoff.mode;
    if (!words.handoff.empty() && !parse_name(words.handoff, handoff_mode_names, mode)) {
        return base::failure("read", "vb.handoff= of the kernel command line",
                             "expected worker, python or exec");
    }
    if (mode == HandoffMode::exec && config.handoff.command.empty()) {
        return base::failure("read", "vb.handoff=exec of the kernel command line",
                             "expected command in [handoff] of the configuration to say what to execute");
    }
    config.handoff.mode = mode;
    return level;
}

} // namespace vb::config
