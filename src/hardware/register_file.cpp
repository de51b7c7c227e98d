// A plain file that stands for a block of registers: what a simulator or a test writes into it is what the device says.
#include "hardware/device.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace vb::hardware {

namespace {

class RegisterFile final : public Device {
  public:
    RegisterFile(const Specification& specification, std::uint64_t size)
        : Device("file:" + specification.object, {{.index = 0, .name = "file", .size = size}}),
          path_(specification.object), interrupt_(specification.interrupt) {}

    Result<Interrupt> interrupt() const override {
        if (!interrupt_.empty()) { return Interrupt::open_fifo(interrupt_); }
        return base::failure("open the interrupt", name(), "none was given; add ?interrupt=/path of a FIFO");
    }
    bool is_present() const override { return exists(path_); }

  private:
    Result<Region> map_region(const RegionInformation& region, Access access,
                              std::string_view name) const override {
        const auto file = open_file(path_, access == Access::read_write ? O_RDWR : O_RDONLY);
        if (!file) { return std::unexpected(file.error()); }
        return Region::map(file->get(), {.size = static_cast<std::size_t>(region.size)}, access, name);
    }

    std::string path_;
    std::string interrupt_;
};

} // namespace

Result<std::unique_ptr<Device>> open_register_file(const Specification& specification) {
    // Without waiting for the other end, should it be a FIFO.
    const auto file = open_file(specification.object, O_RDONLY | O_NONBLOCK);
    if (!file) { return std::unexpected(file.error()); }
    struct stat status{};
    if (::fstat(file->get(), &status) != 0) { return base::system_error("open", specification.object); }
    if (!S_ISREG(status.st_mode)) {
        return base::failure("open", specification.object, "it is not a plain file");
    }
    if (status.st_size == 0) {
        return base::failure("open", specification.object, "it is empty: its size is that of the registers");
    }
    return std::make_unique<RegisterFile>(specification, static_cast<std::uint64_t>(status.st_size));
}

} // namespace vb::hardware
