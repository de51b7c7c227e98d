#include "vbctl/failure.h"

#include <cstdio>

namespace vb::vbctl {

int fail(const base::Error& error) {
    std::fprintf(stderr, "vbctl: %s\n", base::describe(error).c_str());
    return failed;
}

int fail(const control::ClientError& error) {
    std::fprintf(stderr, "vbctl: %s\n", error.text.c_str());
    switch (error.trouble) {
    case control::Trouble::unreachable:
        return unreachable;
    case control::Trouble::not_permitted:
        return not_permitted;
    case control::Trouble::no_such_unit:
        return no_such_unit;
    case control::Trouble::refused:
        return refused;
    case control::Trouble::broken:
        break;
    }
    return failed;
}

int finish(const control::ClientResult<void>& result) { return result ? succeeded : fail(result.error()); }

} // namespace vb::vbctl
