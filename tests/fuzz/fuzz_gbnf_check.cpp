// Any bytes as a grammar: the check ends with a refusal that names line and column, or libllama takes the grammar too.
#include "engine/gbnf_check.h"

#include <llama.h>

#include <cstdint>
#include <cstdlib>
#include <string>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string grammar(reinterpret_cast<const char*>(data), size);
    const auto checked = vb::engine::check_gbnf(grammar, [](std::string_view) { return false; });
    if (!checked) {
        const bool is_placed = checked.error().message.starts_with("grammar: line ") || size > 65536;
        if (!is_placed) { std::abort(); }
        return 0;
    }
    llama_sampler* const sampler = llama_sampler_init_grammar(nullptr, grammar.c_str(), "root");
    if (sampler == nullptr) { std::abort(); }
    llama_sampler_free(sampler);
    return 0;
}
