#include "base/error.h"

#include <cstring>

namespace vb::base {

Text<1023> describe(const Error& error) noexcept {
    Text<1023> text;
    text << error.operation;
    if (!error.object.empty()) { text << " " << error.object.view(); }
    if (!error.detail.empty()) { text << ": " << error.detail.view(); }
    if (error.number != 0) {
        // strerror() allocates for unknown numbers and consults the locale; these two do neither.
        const char* const words = strerrordesc_np(error.number);
        const char* const name = strerrorname_np(error.number);
        text << ": " << (words != nullptr ? words : "unknown error") << " (";
        if (name != nullptr) {
            text << name;
        } else {
            text << error.number;
        }
        text << ")";
    }
    return text;
}

} // namespace vb::base
