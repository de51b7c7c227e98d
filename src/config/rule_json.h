// Rules on their way from PID 1 to the runtime: one argument of its command line each, with the keys of config.toml.
#pragma once

#include "base/error.h"
#include "config/rule.h"

namespace vb::config {

std::string json_of(const Rule& rule);
// Checked, but for what its devices are.
base::Result<Rule> read_rule(std::string_view json);

} // namespace vb::config
