#include "http/tls.h"

#include <dlfcn.h>

namespace vb::http {

namespace {

constexpr char module_name[] = "vector_boot_tls.so"; // found by the RUNPATH of the program

} // namespace

base::Result<std::unique_ptr<Tls>> load_tls(const std::string& certificate, const std::string& private_key) {
    void* const module = ::dlopen(module_name, RTLD_NOW | RTLD_LOCAL); // stays: its streams end with the loop
    if (module == nullptr) { return base::failure("load", module_name, ::dlerror()); }
    const auto open = reinterpret_cast<OpenTls>(::dlsym(module, open_tls_name));
    if (open == nullptr) { return base::failure("use", module_name, ::dlerror()); }
    base::Error error;
    std::unique_ptr<Tls> tls(open(certificate.c_str(), private_key.c_str(), error));
    if (!tls) { return std::unexpected(error); }
    return tls;
}

} // namespace vb::http
