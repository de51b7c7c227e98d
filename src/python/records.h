// The plain records that Python is given: ModelInfo, Usage, Token; Edge, InputEvent, Uevent.
#pragma once

#include "python/module.h"

#include "vector_boot_device.h"

#include <cstdint>
#include <string>
#include <vector>

namespace vb::python {

// A copy of vb_token, which lives only until the next piece.
struct TokenText {
    std::int32_t id = 0;
    float logprob = 0;
    std::string text;
};

struct ChosenToken {
    TokenText token;
    std::vector<TokenText> alternatives;
};

ChosenToken copy_of(const vb_chosen_token& token);

Ref make_info(const ModuleState& state, const vb_model* model, const vb_model_info& info);
Ref make_usage(const ModuleState& state, const vb_result& result);
// A tuple of Token.
Ref make_tokens(const ModuleState& state, const std::vector<ChosenToken>& tokens);

Ref make_edge(const ModuleState& state, const vb_gpio_edge& edge);
Ref make_input_event(const ModuleState& state, const vb_input_event& event);
Ref make_uevent(const ModuleState& state, const vb_uevent& event);

} // namespace vb::python
