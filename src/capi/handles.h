// What stands behind the opaque types of vector_boot.h, and what every function checks of them first.
#pragma once

#include "capi/answer.h"
#include "capi/conversation.h"
#include "capi/core.h"
#include "capi/status.h"

#include <initializer_list>
#include <memory>
#include <string>

struct vb_model {
    static constexpr char name[] = "model";
    std::shared_ptr<vb::capi::Core> core;
    vb::engine::ModelInformation information;
    std::string file_name;
};

struct vb_request {
    static constexpr char name[] = "request";
    std::shared_ptr<vb::capi::Core> core;
    std::shared_ptr<vb::capi::Answer> answer;
};

struct vb_session {
    static constexpr char name[] = "session";
    std::shared_ptr<vb::capi::Core> core;
    std::shared_ptr<vb::capi::Conversation> conversation;
};

namespace vb::capi {

// Where the result will be: NULL until then, and after a failure.
template <class Handle>
std::int32_t clear(const char* function, Handle** out) noexcept {
    if (out == nullptr) { return fail(VB_ERROR_ARGUMENT, function, ": out is NULL"); }
    *out = nullptr;
    return VB_OK;
}

struct Pointer {
    const char* name;
    const void* value;
};

// VB_OK, or the failure: one of the pointers is NULL.
template <class Handle>
std::int32_t check_pointers(const char* function, const Handle* handle,
                            std::initializer_list<Pointer> others = {}) noexcept {
    if (handle == nullptr) { return fail(VB_ERROR_ARGUMENT, function, ": ", Handle::name, " is NULL"); }
    for (const Pointer& other : others) {
        if (other.value == nullptr) {
            return fail(VB_ERROR_ARGUMENT, function, ": ", other.name, " is NULL");
        }
    }
    return VB_OK;
}

// The same, and the handle may be another process's.
template <class Handle>
std::int32_t check(const char* function, const Handle* handle,
                   std::initializer_list<Pointer> others = {}) noexcept {
    if (const std::int32_t wrong = check_pointers(function, handle, others)) { return wrong; }
    // Before any lock is taken: in the child of a fork its owner may not exist.
    if (handle->core->is_forked()) {
        return fail(VB_ERROR_FORKED, function, ": the ", Handle::name,
                    " belongs to the parent process; open the model in the process that uses it");
    }
    return VB_OK;
}

// The model of the handle was freed.
inline std::int32_t fail_closed(const char* function) noexcept {
    return fail(VB_ERROR_CANCELLED, function, ": the model was freed");
}

// A handle that came through fork() is not destroyed: that would end threads that are not there. Its memory
// stays the child's until it ends.
template <class Handle>
bool leave_to_parent(Handle* handle) noexcept {
    return handle->core->is_forked();
}

} // namespace vb::capi
