#include "sys/module_file.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <linux/module.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vb::sys {

base::Result<> insert_module(const char* path, const char* parameters) noexcept {
    const base::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) { return base::system_error("open", path); }
    const bool is_compressed = !std::string_view(path).ends_with(".ko");
    const int flags = is_compressed ? MODULE_INIT_COMPRESSED_FILE : 0;
    if (::syscall(SYS_finit_module, file.get(), parameters, flags) == 0) { return {}; }
    const bool refused = errno == EOPNOTSUPP || errno == EINVAL;
    auto error = base::system_error("load module", path);
    if (is_compressed && refused) { error.error().detail = "this kernel may not decompress modules"; }
    return error;
}

} // namespace vb::sys
