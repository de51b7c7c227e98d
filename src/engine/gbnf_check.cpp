#include "engine/gbnf_check.h"

#include "engine/gbnf_rules.h"
#include "engine/gbnf_text.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace vb::engine {
namespace {

using Id = GbnfRules::Id;
using Element = GbnfRules::Element;

// libllama reads groups recursively; the rest is its own bound, or keeps what it makes of a grammar small.
constexpr std::size_t longest_grammar = 65536;
constexpr std::size_t deepest_group = 64;
constexpr std::uint64_t most_repetitions = 2000;
constexpr std::size_t most_rules = 20'000;
constexpr std::uint64_t endlessly = std::numeric_limits<std::uint64_t>::max();

class Check : private GbnfText {
  public:
    Check(std::string_view text, const IsToken& is_token) : GbnfText(text), is_token_(is_token) {}
    Result<> run();

  private:
    struct Name {
        Id rule;
        std::size_t first; // where it stands first
    };
    // A rule or group that is being read.
    struct Frame {
        Id rule;
        std::size_t begin;        // where it stands
        std::size_t rules_before; // how many there were
        std::vector<Element> elements{};
        std::size_t last = 0;     // where the element that can be repeated begins
        std::uint64_t copies = 1; // that it is already
    };

    bool read_all();
    bool read_rule();
    bool read_alternatives();
    bool read_element();
    bool read_literal();
    bool read_class();
    bool read_token();
    bool read_reference();
    bool begin_group();
    bool end_group();
    bool read_repetition();
    bool read_count(std::uint64_t& count);
    bool repeat(std::size_t at, std::uint64_t least, std::uint64_t most);
    bool add_optional(Frame& frame, std::span<const Element> repeated, std::uint64_t count, bool is_endless);
    bool check_rules();

    Name& name(std::string_view text, std::size_t at);
    Frame& frame() { return frames_.back(); }
    bool is_in_group() const { return frames_.size() > 1; }
    bool define(Id rule, std::span<const Element> elements, std::size_t at);
    // A terminal, or several that can only be repeated together.
    void begin_element() {
        frame().last = frame().elements.size();
        frame().copies = 1;
    }

    const IsToken& is_token_;
    GbnfRules rules_;
    std::unordered_map<std::string_view, Name> names_;
    std::vector<Frame> frames_;
};

Result<> Check::run() {
    if (text_.size() > longest_grammar) {
        return engine::refuse("grammar: it has " + std::to_string(text_.size()) +
                              " bytes, expected at most " + std::to_string(longest_grammar));
    }
    if (read_all() && check_rules()) { return {}; }
    return engine::refuse("grammar: " + refusal_);
}

bool Check::read_all() {
    if (!check_encoding()) { return false; }
    skip_space(true);
    while (at_ < text_.size()) {
        if (!read_rule()) { return false; }
    }
    return true;
}

Check::Name& Check::name(std::string_view text, std::size_t at) {
    const auto [found, is_new] = names_.try_emplace(text, Name{.rule = 0, .first = at});
    if (is_new) { found->second.rule = rules_.add(static_cast<Id>(rules_.size())); }
    return found->second;
}

bool Check::read_rule() {
    const std::size_t begin = at_;
    const std::string_view text = read_name();
    if (text.empty()) { return refuse_here("a rule's name"); }
    skip_space(false);
    if (!text_.substr(at_).starts_with("::=")) { return refuse_here("\"::=\" after the rule's name"); }
    at_ += 3;
    skip_space(true);
    frames_.push_back({.rule = name(text, begin).rule, .begin = begin, .rules_before = 0});
    if (!read_alternatives()) { return false; }
    const Frame rule = std::move(frames_.back());
    frames_.pop_back();
    if (!define(rule.rule, rule.elements, begin)) { return false; }
    if (at_ < text_.size() && now() != '\r' && now() != '\n') {
        return refuse_here("an element, \"|\", or the end of the line");
    }
    skip_space(true);
    return true;
}

// Up to the end of the rule, through all groups.
bool Check::read_alternatives() {
    while (true) {
        if (now() == '|') {
            ++at_;
            skip_space(true);
            frame().elements.push_back(GbnfRules::alternative);
            begin_element();
        } else if (now() == ')' && is_in_group()) {
            if (!end_group()) { return false; }
        } else if (at_ < text_.size() &&
                   (is_of_name(now()) || std::string_view("\"[<!(.*+?{").contains(now()))) {
            if (!read_element()) { return false; }
        } else if (is_in_group()) {
            return refuse_here("an element, \"|\", or the \")\" of this rule's \"(\"");
        } else {
            return true;
        }
    }
}

bool Check::read_element() {
    switch (now()) {
    case '"':
        return read_literal();
    case '[':
        return read_class();
    case '<':
    case '!':
        return read_token();
    case '(':
        return begin_group();
    case '.':
        begin_element();
        frame().elements.push_back(GbnfRules::terminal);
        ++at_;
        skip_space(is_in_group());
        return true;
    case '*':
    case '+':
    case '?':
    case '{':
        return read_repetition();
    default:
        return read_reference();
    }
}

bool Check::read_literal() {
    const std::size_t begin = at_++;
    begin_element();
    while (now() != '"') {
        if (at_ >= text_.size()) { return refuse(begin, "a text without end", "a '\"' after it"); }
        std::uint32_t code = 0;
        if (!read_character(code)) { return false; }
        frame().elements.push_back(GbnfRules::terminal);
    }
    ++at_;
    skip_space(is_in_group());
    return true;
}

bool Check::read_class() {
    const std::size_t begin = at_++;
    if (now() == '^') { ++at_; }
    begin_element();
    while (now() != ']') {
        if (at_ >= text_.size()) { return refuse(begin, "characters without end", "a \"]\" after them"); }
        const std::size_t from = at_;
        std::uint32_t first = 0;
        if (!read_character(first)) { return false; }
        frame().elements.push_back(GbnfRules::terminal);
        if (now() != '-' || after() == ']') { continue; }
        ++at_;
        if (at_ >= text_.size()) { return refuse(begin, "characters without end", "a \"]\" after them"); }
        std::uint32_t last = 0;
        if (!read_character(last)) { return false; }
        if (last < first) { return refuse(from, what_is_at(from), "the lower character of the range first"); }
        frame().elements.push_back(GbnfRules::terminal);
    }
    if (frame().elements.size() == frame().last) { return refuse_here("a character"); }
    ++at_;
    skip_space(is_in_group());
    return true;
}

bool Check::read_token() {
    if (now() == '!') { ++at_; }
    if (now() != '<') { return refuse_here("a token in \"<\" and \">\" after the \"!\""); }
    const std::size_t end = text_.find('>', at_);
    if (end == std::string_view::npos) { return refuse_here("a token in \"<\" and \">\""); }
    const std::string_view token = text_.substr(at_, end + 1 - at_);
    if (token.starts_with("<[")) {
        const std::string_view number = token.substr(2, token.size() - 3);
        const bool is_number = number.ends_with(']') && number.size() > 1 && number.size() < 12 &&
                               std::ranges::all_of(number.substr(0, number.size() - 1), is_digit);
        if (!is_number) { return refuse_here("a token's number, as in \"<[123]>\""); }
    } else if (!is_token_(token)) {
        return refuse_here("the name of one token of the model");
    }
    begin_element();
    frame().elements.push_back(GbnfRules::terminal);
    at_ = end + 1;
    skip_space(is_in_group());
    return true;
}

bool Check::read_reference() {
    const std::size_t begin = at_;
    const std::string_view text = read_name();
    const Id rule = name(text, begin).rule;
    skip_space(is_in_group());
    begin_element();
    frame().elements.push_back(GbnfRules::first_rule + rule);
    return true;
}

bool Check::begin_group() {
    if (frames_.size() > deepest_group) {
        return refuse_here("at most " + std::to_string(deepest_group) + " groups within one another");
    }
    const std::size_t begin = at_++;
    skip_space(true);
    const std::size_t before = rules_.size();
    frames_.push_back({.rule = rules_.add(frames_.front().rule), .begin = begin, .rules_before = before});
    return true;
}

bool Check::end_group() {
    const Frame group = std::move(frames_.back());
    frames_.pop_back();
    if (!define(group.rule, group.elements, group.begin)) { return false; }
    ++at_;
    begin_element();
    frame().copies = rules_.size() - group.rules_before;
    frame().elements.push_back(GbnfRules::first_rule + group.rule);
    skip_space(is_in_group());
    return true;
}

bool Check::read_repetition() {
    const std::size_t begin = at_;
    const char kind = text_[at_++];
    skip_space(is_in_group());
    if (kind == '*') { return repeat(begin, 0, endlessly); }
    if (kind == '+') { return repeat(begin, 1, endlessly); }
    if (kind == '?') { return repeat(begin, 0, 1); }
    std::uint64_t least = 0;
    if (!read_count(least)) { return false; }
    std::uint64_t most = least;
    if (now() == ',') {
        ++at_;
        skip_space(is_in_group());
        most = endlessly;
        if (is_digit(now()) && !read_count(most)) { return false; }
    }
    if (now() != '}') { return refuse_here("\"}\""); }
    ++at_;
    skip_space(is_in_group());
    if (most < least) { return refuse(begin, what_is_at(begin), "the lower number first"); }
    return repeat(begin, least, most);
}

bool Check::read_count(std::uint64_t& count) {
    const std::size_t begin = at_;
    count = 0;
    for (; is_digit(now()); ++at_) {
        count =
            std::min<std::uint64_t>(count * 10 + static_cast<std::uint64_t>(now() - '0'), endlessly / 100);
    }
    if (begin == at_) { return refuse_here("a number"); }
    if (count >= most_repetitions) {
        return refuse(begin, what_is_at(begin),
                      "less than " + std::to_string(most_repetitions) + " repetitions");
    }
    skip_space(is_in_group());
    return true;
}

// What libllama writes out: the element as often as it must be there, then a rule for each time that it may be.
bool Check::repeat(std::size_t at, std::uint64_t least, std::uint64_t most) {
    Frame& into = frame();
    if (into.last == into.elements.size()) {
        return refuse(at, what_is_at(at), "an element before it, to repeat");
    }
    const bool is_endless = most == endlessly;
    const std::uint64_t total = !is_endless && most > 0 ? most : std::max<std::uint64_t>(least, 1);
    into.copies *= total;
    if (into.copies >= most_repetitions) {
        return refuse(at,
                      "repetitions of repetitions, or of groups, " + std::to_string(into.copies) + " in all",
                      "less than " + std::to_string(most_repetitions));
    }
    const std::vector<Element> repeated(into.elements.begin() + static_cast<std::ptrdiff_t>(into.last),
                                        into.elements.end());
    if (least == 0) { into.elements.resize(into.last); }
    for (std::uint64_t copy = 1; copy < least; ++copy) {
        into.elements.append_range(repeated);
        if (into.elements.size() > longest_grammar * 8) { return refuse(at, what_is_at(at), "less in all"); }
    }
    return add_optional(into, repeated, is_endless ? 1 : most - least, is_endless);
}

bool Check::add_optional(Frame& frame, std::span<const Element> repeated, std::uint64_t count,
                         bool is_endless) {
    std::optional<Id> last;
    for (std::uint64_t index = 0; index < count; ++index) {
        const Id rule = rules_.add(frames_.front().rule);
        std::vector<Element> elements(repeated.begin(), repeated.end());
        if (is_endless || last) { elements.push_back(GbnfRules::first_rule + (is_endless ? rule : *last)); }
        elements.push_back(GbnfRules::alternative);
        if (!define(rule, elements, frame.begin)) { return false; }
        last = rule;
    }
    if (last) { frame.elements.push_back(GbnfRules::first_rule + *last); }
    return true;
}

bool Check::define(Id rule, std::span<const Element> elements, std::size_t at) {
    if (rules_.size() <= most_rules && rules_.define(rule, elements)) { return true; }
    return refuse(at, "a rule with which the grammar, its repetitions written out, is too large",
                  "fewer or shorter repetitions");
}

bool Check::check_rules() {
    if (!names_.contains("root")) {
        return refuse(text_.size(), "no rule \"root\"", "one, with which what is written begins");
    }
    std::vector<std::pair<std::size_t, std::string_view>> missing;
    for (const auto& [text, name] : names_) {
        if (!rules_.is_defined(name.rule)) { missing.emplace_back(name.first, text); }
    }
    if (!missing.empty()) {
        const auto [at, text] = std::ranges::min(missing);
        return refuse(at, "no rule \"" + std::string(text) + "\"", "it to be defined");
    }
    const GbnfRules::Finding finding = rules_.check();
    if (finding.verdict == GbnfRules::Verdict::good) { return true; }
    const auto owner =
        std::ranges::find_if(names_, [&](const auto& one) { return one.second.rule == finding.owner; });
    const std::string rule = "rule \"" + std::string(owner->first) + '"';
    switch (finding.verdict) {
    case GbnfRules::Verdict::begins_with_itself:
        return refuse(owner->second.first, rule + " begins with itself", "something else before it");
    case GbnfRules::Verdict::too_deep:
        return refuse(owner->second.first, rule + " begins with too many rules in one another",
                      "at most 4000");
    default:
        return refuse(owner->second.first, rule + " can begin in too many ways", "at most 1000000");
    }
}

} // namespace

Result<> check_gbnf(std::string_view grammar, const IsToken& is_token) {
    return Check(grammar, is_token).run();
}

} // namespace vb::engine
