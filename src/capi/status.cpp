#include "capi/status.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <new>
#include <string>

namespace vb::capi {
namespace {

thread_local std::string last_error; // NOLINT: the interface promises one text a thread

struct Named {
    std::int32_t status;
    const char* name;
};
constexpr Named names[] = {
    {VB_OK, "VB_OK"},
    {VB_END, "VB_END"},
    {VB_AGAIN, "VB_AGAIN"},
    {VB_ERROR_ARGUMENT, "VB_ERROR_ARGUMENT"},
    {VB_ERROR_MODEL, "VB_ERROR_MODEL"},
    {VB_ERROR_RESOURCES, "VB_ERROR_RESOURCES"},
    {VB_ERROR_REQUEST, "VB_ERROR_REQUEST"},
    {VB_ERROR_INTERNAL, "VB_ERROR_INTERNAL"},
    {VB_ERROR_CANCELLED, "VB_ERROR_CANCELLED"},
    {VB_ERROR_DEADLINE, "VB_ERROR_DEADLINE"},
    {VB_ERROR_CONTEXT, "VB_ERROR_CONTEXT"},
    {VB_ERROR_FILE, "VB_ERROR_FILE"},
    {VB_ERROR_FORKED, "VB_ERROR_FORKED"},
    {VB_ERROR_DEVICE, "VB_ERROR_DEVICE"},
};

} // namespace

std::int32_t succeed(std::int32_t status) noexcept {
    last_error.clear();
    return status;
}

std::int32_t fail_with(std::int32_t status, std::string_view message) noexcept {
    try {
        last_error = message;
    } catch (const std::bad_alloc&) { last_error.clear(); }
    return status;
}

std::int32_t status_of(engine::Fault fault) noexcept {
    switch (fault) {
    case engine::Fault::model_missing:
    case engine::Fault::model_malformed:
    case engine::Fault::model_unsupported:
        return VB_ERROR_MODEL;
    case engine::Fault::resources:
        return VB_ERROR_RESOURCES;
    case engine::Fault::request:
        return VB_ERROR_REQUEST;
    case engine::Fault::too_long:
        return VB_ERROR_CONTEXT;
    case engine::Fault::state_file:
        return VB_ERROR_FILE;
    case engine::Fault::cancelled:
        return VB_ERROR_CANCELLED;
    case engine::Fault::internal:
        return VB_ERROR_INTERNAL;
    }
    return VB_ERROR_INTERNAL;
}

std::int32_t fail(const engine::Error& error) noexcept {
    return fail_with(status_of(error.fault), error.message);
}

std::int32_t caught(const char* function) noexcept {
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return fail(VB_ERROR_RESOURCES, function, ": out of memory");
    } catch (const std::exception& exception) {
        return fail(VB_ERROR_INTERNAL, function, ": ", exception.what());
    } catch (...) { return fail(VB_ERROR_INTERNAL, function, ": an exception of an unknown kind"); }
}

} // namespace vb::capi

extern "C" {

const char* vb_version(void) { return VB_VERSION; }

const char* vb_status_name(int32_t status) {
    const auto* const found = std::ranges::find(vb::capi::names, status, &vb::capi::Named::status);
    return found != std::end(vb::capi::names) ? found->name : "unknown";
}

const char* vb_error_last(void) { return vb::capi::last_error.c_str(); }

} // extern "C"
