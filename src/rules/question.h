// What the model is asked when something has happened, and what its answer is to be. Text in, text out.
#pragma once

#include "config/rule.h"
#include "engine/engine.h"
#include "rules/event.h"

#include <map>
#include <string>

namespace vb::rules {

// What is filled in for names in braces.
using Values = std::map<std::string, std::string, std::less<>>;
Values values_of(const config::Rule& rule, const Event& event);

// `text` has passed the check of the configuration.
std::string fill(std::string_view text, const Values& values);
// Greedy: the same event has the same answer.
engine::Request question(const config::Rule& rule, const Values& values);
// The grammar that the answer obeys, GBNF; empty: any text, or a schema's.
std::string grammar_of(const config::Rule& rule);

// What a rule writes where this is the answer.
base::Result<std::uint64_t> written_value(const config::RuleWrite& write, const std::string& answer);

} // namespace vb::rules
