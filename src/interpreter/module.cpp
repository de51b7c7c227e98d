// The module that interpreter/program.h loads: CPython, and the package vector_boot's C part built in.
#include <Python.h>

#include "interpreter/program.h"

#include <csignal>
#include <dlfcn.h>
#include <filesystem>
#include <pthread.h>

extern "C" PyObject* PyInit__vector_boot(); // NOLINT(readability-identifier-naming)

namespace vb::interpreter {

namespace {

class Configuration {
  public:
    // Nothing of the environment and of the user counts: the machine's configuration says what runs.
    Configuration() { PyConfig_InitIsolatedConfig(&config_); }
    ~Configuration() { PyConfig_Clear(&config_); }
    Configuration(const Configuration&) = delete;
    Configuration& operator=(const Configuration&) = delete;

    PyConfig* operator->() noexcept { return &config_; }
    void set(wchar_t** field, const std::string& text) {
        note(PyConfig_SetBytesString(&config_, field, text.c_str()));
    }
    void add_argument(const std::string& text) {
        wchar_t* const decoded = Py_DecodeLocale(text.c_str(), nullptr);
        note(decoded != nullptr ? PyWideStringList_Append(&config_.argv, decoded) : PyStatus_NoMemory());
        PyMem_RawFree(decoded);
    }
    PyStatus initialise() {
        if (PyStatus_Exception(status_) == 0) { note(Py_InitializeFromConfig(&config_)); }
        return status_;
    }

  private:
    void note(const PyStatus& status) {
        if (PyStatus_Exception(status_) == 0) { status_ = status; }
    }

    PyConfig config_{};
    PyStatus status_ = PyStatus_Ok();
};

// "package.module:function", which no path looks like.
std::string command_for(const std::string& app) {
    const std::size_t colon = app.find(':');
    if (colon == std::string::npos || app.contains('/')) { return {}; }
    const std::string module = app.substr(0, colon);
    const std::string function = app.substr(colon + 1);
    return "import sys\nfrom " + module + " import " + function + " as main\nsys.exit(main())\n";
}

void set_program(Configuration& configuration, const Program& program) {
    const std::string command = command_for(program.app);
    if (command.empty()) {
        configuration.set(&configuration->run_filename, program.app);
    } else {
        configuration.set(&configuration->run_command, command);
    }
    configuration.add_argument(program.app);
    for (const std::string& argument : program.arguments) {
        configuration.add_argument(argument);
    }
}

PyStatus initialise(const Program& program) {
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1; // whatever the locale is: PID 1's is "C"
    if (const PyStatus status = Py_PreInitialize(&before); PyStatus_Exception(status) != 0) { return status; }

    Configuration configuration;
    const std::string& environment = program.virtual_environment;
    // It finds the standard library from there, and is what multiprocessing starts.
    configuration.set(&configuration->executable,
                      environment.empty() ? VB_PYTHON_EXECUTABLE : environment + "/bin/python3");
    configuration->isolated = 0;  // as far as sys.flags tells
    configuration->safe_path = 0; // sys.path[0] is the program's directory
    configuration->site_import = program.site || !environment.empty() ? 1 : 0;
    configuration->write_bytecode = 0;
    configuration->install_signal_handlers = 1;
    configuration->configure_c_stdio = 1;
    set_program(configuration, program);
    return configuration.initialise();
}

// Where the package vector_boot is: beside this module's directory, in a build and in an installation.
std::string package_directory() {
    Dl_info here{};
    if (::dladdr(reinterpret_cast<const void*>(&package_directory), &here) == 0) { return {}; }
    const std::filesystem::path own = std::filesystem::path(here.dli_fname).parent_path();
    std::error_code ignored;
    for (const char* const candidate : {"../python", VB_PYTHON_FROM_MODULE}) {
        std::filesystem::path found = (own / candidate).lexically_normal();
        if (std::filesystem::exists(found / "vector_boot", ignored)) { return found; }
    }
    return {};
}

bool add_package() {
    const std::string directory = package_directory();
    PyObject* const path = PySys_GetObject("path");
    if (directory.empty() || path == nullptr) { return path != nullptr; }
    PyObject* const text = PyUnicode_DecodeFSDefault(directory.c_str());
    if (text == nullptr) { return false; }
    const int there = PySequence_Contains(path, text);
    const bool done = there > 0 || (there == 0 && PyList_Append(path, text) == 0);
    Py_DECREF(text);
    return done;
}

PyObject* end_program(PyObject* /*self*/, PyObject* /*arguments*/) {
    PyObject* const status = PyLong_FromLong(0);
    PyErr_SetObject(PyExc_SystemExit, status);
    Py_XDECREF(status);
    return nullptr;
}

bool mask_signals(int how) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    return ::pthread_sigmask(how, &ending, nullptr) == 0;
}

// Python's last steps put the signals' defaults back, which would make another end of one that has come already.
PyObject* leave_signals(PyObject* /*self*/, PyObject* /*none*/) {
    (void)mask_signals(SIG_BLOCK);
    Py_RETURN_NONE;
}

// module.function(*arguments); takes the arguments over, which may be missing by an exception.
bool call(const char* module, const char* function, PyObject* arguments) {
    PyObject* const imported = arguments != nullptr ? PyImport_ImportModule(module) : nullptr;
    PyObject* const callable = imported != nullptr ? PyObject_GetAttrString(imported, function) : nullptr;
    PyObject* const result = callable != nullptr ? PyObject_CallObject(callable, arguments) : nullptr;
    const bool done = result != nullptr;
    Py_XDECREF(result);
    Py_XDECREF(callable);
    Py_XDECREF(imported);
    Py_XDECREF(arguments);
    return done;
}

// As the interpreter does with SIGINT: an exception in the main thread, so that `finally` and atexit have their turn.
bool take_signals() {
    static PyMethodDef end = {"end_program", end_program, METH_VARARGS,
                              "The handler of SIGTERM: raises SystemExit(0)."};
    static PyMethodDef leave = {"leave_signals", leave_signals, METH_NOARGS, "The last function of atexit."};
    return call("_signal", "signal", Py_BuildValue("(iN)", SIGTERM, PyCFunction_New(&end, nullptr))) &&
           call("atexit", "register", Py_BuildValue("(N)", PyCFunction_New(&leave, nullptr))) &&
           mask_signals(SIG_UNBLOCK);
}

// As on a terminal: a line is in the journal at once, and in one piece, whatever the runtime logs meanwhile.
bool print_by_lines() {
    PyObject* const output = PySys_GetObject("stdout");
    PyObject* const reconfigure = output != nullptr ? PyObject_GetAttrString(output, "reconfigure") : nullptr;
    PyObject* const arguments = PyTuple_New(0);
    PyObject* const options = Py_BuildValue("{s:O}", "line_buffering", Py_True);
    const bool possible = reconfigure != nullptr && arguments != nullptr && options != nullptr;
    PyObject* const result = possible ? PyObject_Call(reconfigure, arguments, options) : nullptr;
    const bool done = result != nullptr && ::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ) == 0;
    Py_XDECREF(result);
    Py_XDECREF(options);
    Py_XDECREF(arguments);
    Py_XDECREF(reconfigure);
    return done;
}

int run_here(const Program& program, trace::Timeline& timeline, base::Error& error) {
    {
        const trace::Span span(timeline, "python: initialise");
        PyImport_AppendInittab("_vector_boot", PyInit__vector_boot);
        const PyStatus status = initialise(program);
        if (PyStatus_Exception(status) != 0) {
            error = {.operation = "initialise",
                     .object = "Python",
                     .number = 0,
                     .detail = status.err_msg != nullptr ? status.err_msg : "it ended"};
            return 1;
        }
        if (!add_package() || !print_by_lines() || !take_signals()) {
            PyErr_Print();
            error = {
                .operation = "prepare", .object = "Python", .number = 0, .detail = "its traceback is above"};
            return 1;
        }
    }
    timeline.mark("python: app");
    return Py_RunMain();
}

} // namespace

} // namespace vb::interpreter

extern "C" __attribute__((visibility("default"))) int
vector_boot_run_program(const vb::interpreter::Program& program, vb::trace::Timeline& timeline,
                        vb::base::Error& error) {
    return vb::interpreter::run_here(program, timeline, error);
}
