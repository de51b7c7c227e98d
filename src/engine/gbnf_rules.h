// The rules of a grammar without its characters, as libllama writes them out: repetitions and groups are rules of
// their own. Finds those that begin with themselves, which libllama would follow for ever, and those that it would
// follow for too long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vb::engine {

class GbnfRules {
  public:
    using Id = std::uint32_t;
    // Of a rule: a character or token, the end of an alternative that is not the last, or a rule's id and `first_rule`.
    using Element = std::uint32_t;
    static constexpr Element terminal = 0;
    static constexpr Element alternative = 1;
    static constexpr Element first_rule = 2;

    // `owner` is the rule with a name that it is part of, itself for those with one.
    Id add(Id owner);
    // False when there are too many elements.
    bool define(Id rule, std::span<const Element> elements);
    std::size_t size() const { return rules_.size(); }
    bool is_defined(Id rule) const { return rules_[rule].is_defined; }

    enum class Verdict : unsigned char { good, begins_with_itself, too_deep, too_many_ways };
    struct Finding {
        Verdict verdict = Verdict::good;
        Id owner = 0;
    };
    // All rules are defined.
    Finding check();

  private:
    struct Rule {
        Id owner = 0;
        bool is_defined = false;
        bool may_be_empty = false;
        std::uint32_t depth = 0; // rules within rules that its beginning leads to
        std::uint64_t ways = 0;  // steps that libllama follows from it
        std::vector<Element> elements{};
        std::vector<Id> beginnings{}; // rules that it may begin with
    };
    struct Step { // of the walk: a rule and which of its beginnings comes next
        Id rule;
        std::size_t next;
    };

    void find_empty();
    void find_beginnings(Rule& rule) const;
    Finding walk(Id start, std::vector<unsigned char>& state);
    Finding leave(Rule& rule) const;

    std::vector<Rule> rules_;
    std::size_t elements_ = 0;
};

} // namespace vb::engine
