// The Python objects of the module, and what their methods begin and end with.
#pragma once

#include "python/errors.h"
#include "python/handles.h"
#include "python/module.h"
#include "python/request.h"

#include <memory>

namespace vb::python {

struct ModelObject {
    PyObject base;
    std::shared_ptr<ModelHandle> handle; // empty before open() and after close()
};

struct SessionObject {
    PyObject base;
    std::shared_ptr<SessionHandle> handle; // empty after close()
    std::shared_ptr<News> news;
};

struct RequestObject {
    PyObject base;
    Request request;
};

// A request that has not begun. NULL and an exception where the options are wrong.
Ref make_request(const ModuleState& state, const std::shared_ptr<News>& news, PyObject* options);
inline Request& request_of(const Ref& object) noexcept {
    return reinterpret_cast<RequestObject*>(object.get())->request;
}

// A session, whose handle it owns from here on.
PyObject* make_session(const ModuleState& state, const std::shared_ptr<News>& news, vb_session* session);

// `count` rows of `size` floats, whose buffer it owns from here on.
PyObject* make_embeddings(const ModuleState& state, vb_buffer* buffer, std::size_t count, std::size_t size);

// A share of a handle, for one call. The last one ends the handle, which may take a while.
template <class Handle>
class Share {
  public:
    explicit Share(std::shared_ptr<Handle> handle) noexcept : handle_(std::move(handle)) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() {
        if (handle_) {
            const WithoutGil released;
            handle_.reset();
        }
    }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    Handle* operator->() const noexcept { return handle_.get(); }

  private:
    std::shared_ptr<Handle> handle_;
};

// A failure of a call that was made without the GIL.
inline Outcome outcome_of(std::int32_t status) {
    return {.status = status, .error = status < 0 ? vb_error_last() : ""};
}

// Closes every model there is; for the end of the process.
void close_models(ModuleState& state);

// A method whose C++ may throw, as Python calls it.
template <auto method, class Self>
PyObject* guarded(PyObject* self, PyObject* arguments) noexcept {
    try {
        return method(*reinterpret_cast<Self*>(self), arguments);
    } catch (...) { return raise_caught(); }
}
template <auto method, class Self>
constexpr PyCFunction as_method = guarded<method, Self>;

} // namespace vb::python
