// The structs that callers fill and read, of this version of the interface and of others.
#pragma once

#include "capi/status.h"
#include "engine/engine.h"

#include <algorithm>
#include <cstring>
#include <expected>

namespace vb::capi {

// What no struct of any version will be larger than: more is a struct_size that was never set.
inline constexpr std::uint32_t largest_struct = 4096;

std::int32_t fail_size(const char* function, const char* what, std::uint32_t found,
                       std::size_t known) noexcept;

template <class Struct>
std::int32_t check_size(const char* function, const char* what, const Struct* given) noexcept {
    if (given->struct_size >= sizeof given->struct_size && given->struct_size <= largest_struct) {
        return VB_OK;
    }
    return fail_size(function, what, given->struct_size, sizeof *given);
}

// What both sides know of an options struct: an older caller's is shorter, a newer one's longer. A newer
// field that is set asks for something that this library cannot do, and is refused.
template <class Options>
std::int32_t read_options(const char* function, const Options* given, Options& options) noexcept {
    if (given == nullptr) { return VB_OK; }
    if (const std::int32_t wrong = check_size(function, "options", given)) { return wrong; }
    const std::uint32_t size = given->struct_size;
    std::memcpy(&options, given, std::min<std::size_t>(size, sizeof options));
    const auto* const bytes = reinterpret_cast<const unsigned char*>(given);
    for (std::size_t offset = sizeof options; offset < size; ++offset) {
        if (bytes[offset] != 0) {
            return fail(VB_ERROR_ARGUMENT, function, ": byte ", offset,
                        " of options is not 0, and vector_boot " VB_VERSION " knows only the first ",
                        sizeof options, "; a newer library would do what it asks for");
        }
    }
    return VB_OK;
}

// Fills what the caller has room for; what only the caller knows becomes 0.
template <class Struct>
void write_struct(const Struct& filled, Struct* given) noexcept {
    const std::uint32_t size = given->struct_size;
    auto* const bytes = reinterpret_cast<unsigned char*>(given);
    constexpr std::size_t head = sizeof given->struct_size; // which stays the caller's
    const std::size_t common = std::min<std::size_t>(size, sizeof filled);
    std::memcpy(bytes + head, reinterpret_cast<const unsigned char*>(&filled) + head, common - head);
    if (size > common) { std::memset(bytes + common, 0, size - common); }
}

// The options as the engine takes them, or the failure.
template <class Value>
using Checked = std::expected<Value, std::int32_t>;

Checked<engine::Options> engine_options(const char* function, const char* path,
                                        const vb_model_options& options);
Checked<base::Level> log_level(const char* function, const vb_model_options& options);

// Without its prompt. `vocabulary` is how many tokens the model knows.
Checked<engine::Request> engine_request(const char* function, const vb_request_options& options,
                                        std::uint32_t vocabulary);

} // namespace vb::capi
