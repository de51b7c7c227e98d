// What the requests of all APIs for text have in common, read from their fields.
#pragma once

#include "engine/engine.h"
#include "http/fields.h"

#include <span>
#include <string_view>
#include <vector>

namespace vb::http {

// One exchange's share of the engine.
struct AnswerRequest {
    std::vector<engine::Request> engine; // one for each answer
    // What the engine refuses is the prompt or the schema of an answer: the fields that hold them.
    std::string_view prompt_field, schema_field;
    bool stream = false;
    bool include_usage = false; // of a stream
};

inline constexpr std::uint32_t most_answers = 16;      // `n`
inline constexpr std::uint32_t most_alternatives = 20; // the engine's bound

// temperature, top_p, top_k, min_p, the penalties, seed, logit_bias
void read_sampling(const Fields& fields, engine::Sampling& sampling);
void read_stop(const Fields& fields, std::vector<std::string>& stop);
// stream, stream_options
void read_streaming(const Fields& fields, AnswerRequest& request);
// grammar, json_schema: as llama-server has them
void read_grammar(const Fields& fields, engine::Sampling& sampling);
// {"type": "json_schema", ...}. `holder`: where name and schema stand, within `format` if it is the format itself.
void read_format(const Fields& format, bool nested, engine::Sampling& sampling);
// Refuses fields that ask for what no text model does.
void refuse_named(const Fields& fields, std::span<const std::string_view> names, std::string_view why);

// `request` once for each answer, with seeds that follow from its own.
std::vector<engine::Request> repeated(const engine::Request& request, std::uint32_t answers);

} // namespace vb::http
