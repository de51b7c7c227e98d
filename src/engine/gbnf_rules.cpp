#include "engine/gbnf_rules.h"

#include <algorithm>
#include <utility>

namespace vb::engine {
namespace {

// What keeps libllama's copies of a grammar in a few megabytes, its recursion in a small part of a thread's stack, and
// its time in milliseconds. It follows a rule again each time that it is reached.
constexpr std::size_t most_elements = 500'000;
constexpr std::uint32_t deepest = 4'000;
constexpr std::uint64_t most_ways = 1'000'000;

enum : unsigned char { unseen, under_way, done };

} // namespace

GbnfRules::Id GbnfRules::add(Id owner) {
    rules_.push_back({.owner = owner});
    return static_cast<Id>(rules_.size() - 1);
}

bool GbnfRules::define(Id rule, std::span<const Element> elements) {
    elements_ += elements.size();
    if (elements_ > most_elements) { return false; }
    rules_[rule].elements.assign(elements.begin(), elements.end());
    rules_[rule].is_defined = true;
    return true;
}

// libllama takes a rule for one that may be empty only where an alternative of its own is; but one of nothing but
// empty rules is empty too.
void GbnfRules::find_empty() {
    struct Alternative {
        Id rule;
        std::size_t left = 0; // rules in it that may not be empty, as far as is known
    };
    std::vector<Alternative> alternatives;
    std::vector<std::vector<std::size_t>> uses(rules_.size()); // of a rule, in alternatives of rules alone
    std::vector<Id> empty;
    const auto add_empty = [&](Id rule) {
        if (!std::exchange(rules_[rule].may_be_empty, true)) { empty.push_back(rule); }
    };
    for (Id rule = 0; rule < rules_.size(); ++rule) {
        std::span<const Element> left(rules_[rule].elements);
        for (bool more = true; more;) {
            const auto end = std::ranges::find(left, alternative);
            const std::span own(left.begin(), end);
            more = end != left.end();
            if (own.empty()) {
                add_empty(rule);
            } else if (!std::ranges::contains(own, terminal)) {
                for (const Element element : own) {
                    uses[element - first_rule].push_back(alternatives.size());
                }
                alternatives.push_back({.rule = rule, .left = own.size()});
            }
            if (more) { left = left.subspan(own.size() + 1); }
        }
    }
    while (!empty.empty()) {
        const Id rule = empty.back();
        empty.pop_back();
        for (const std::size_t use : uses[rule]) {
            if (--alternatives[use].left == 0) { add_empty(alternatives[use].rule); }
        }
    }
}

void GbnfRules::find_beginnings(Rule& rule) const {
    bool at_beginning = true;
    for (const Element element : rule.elements) {
        if (element == alternative) {
            at_beginning = true;
        } else if (element == terminal) {
            at_beginning = false;
        } else if (at_beginning) {
            rule.beginnings.push_back(element - first_rule);
            at_beginning = rules_[element - first_rule].may_be_empty;
        }
    }
}

GbnfRules::Finding GbnfRules::leave(Rule& rule) const {
    rule.depth = 1;
    rule.ways = 1;
    for (const Id id : rule.beginnings) {
        rule.depth = std::max(rule.depth, rules_[id].depth + 1);
        rule.ways += rules_[id].ways;
        if (rule.ways > most_ways) { return {Verdict::too_many_ways, rule.owner}; }
    }
    return {rule.depth > deepest ? Verdict::too_deep : Verdict::good, rule.owner};
}

GbnfRules::Finding GbnfRules::walk(Id start, std::vector<unsigned char>& state) {
    std::vector<Step> path{{start, 0}};
    state[start] = under_way;
    while (!path.empty()) {
        Step& step = path.back();
        Rule& rule = rules_[step.rule];
        if (step.next == rule.beginnings.size()) {
            state[step.rule] = done;
            path.pop_back();
            if (const Finding finding = leave(rule); finding.verdict != Verdict::good) { return finding; }
            continue;
        }
        const Id next = rule.beginnings[step.next++];
        if (state[next] == under_way) { return {Verdict::begins_with_itself, rules_[next].owner}; }
        if (state[next] == unseen) {
            state[next] = under_way;
            path.push_back({next, 0});
        }
    }
    return {};
}

GbnfRules::Finding GbnfRules::check() {
    find_empty();
    for (Rule& rule : rules_) {
        find_beginnings(rule);
    }
    std::vector<unsigned char> state(rules_.size(), unseen);
    for (Id rule = 0; rule < rules_.size(); ++rule) {
        if (state[rule] != unseen) { continue; }
        if (const Finding finding = walk(rule, state); finding.verdict != Verdict::good) { return finding; }
    }
    return {};
}

} // namespace vb::engine
