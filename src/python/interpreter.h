// CPython's stable ABI (3.11) and the few things that make it safe to hold from C++. Every file here includes
// this first. Must never be used by a thread of the engine: those know nothing of Python.
#pragma once

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#include <Python.h>

#include <utility>

namespace vb::python {

// A reference of our own, or nothing: after a call that failed.
class Ref {
  public:
    Ref() noexcept = default;
    explicit Ref(PyObject* owned) noexcept : object_(owned) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref&& other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    Ref(const Ref&) = delete;
    Ref& operator=(const Ref&) = delete;
    ~Ref() { Py_XDECREF(object_); }

    static Ref to(PyObject* borrowed) noexcept { return Ref(Py_XNewRef(borrowed)); }
    PyObject* get() const noexcept { return object_; }
    PyObject* release() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }

  private:
    PyObject* object_ = nullptr;
};

// Others may run Python while this lives. Whatever can wait for the engine is called within one.
class WithoutGil {
  public:
    WithoutGil() noexcept : thread_(PyEval_SaveThread()) {}
    ~WithoutGil() { PyEval_RestoreThread(thread_); }
    PyThreadState* thread() const noexcept { return thread_; }
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

  private:
    PyThreadState* thread_;
};

// What a callback does while the call around it runs without the GIL.
class WithGil {
  public:
    explicit WithGil(PyThreadState* thread) noexcept { PyEval_RestoreThread(thread); }
    ~WithGil() { PyEval_SaveThread(); }
    WithGil(const WithGil&) = delete;
    WithGil& operator=(const WithGil&) = delete;
};

} // namespace vb::python
