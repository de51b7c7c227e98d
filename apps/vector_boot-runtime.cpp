// The neural runtime: a child of vector_boot, or a server of its own.
#include "base/clock.h"
#include "runtime/options.h"
#include "runtime/runtime.h"

#include <cstdio>

int main(int count, char** words) {
    const vb::base::Nanoseconds started = vb::base::monotonic_now();
    const auto options = vb::runtime::parse_options(count, words);
    if (!options) {
        std::fputs(options.error().text.c_str(), options.error().exit_code == 0 ? stdout : stderr);
        return options.error().exit_code;
    }
    return vb::runtime::run(*options, started);
}
