// The interrupts of a device by VFIO: each an eventfd that the kernel signals.
#include "hardware/vfio.h"

#include <cstring>
#include <linux/vfio.h>
#include <sys/eventfd.h>

namespace vb::hardware {

namespace {

// VFIO_DEVICE_SET_IRQS with descriptors behind its structure, or none.
int set_interrupts(int device, Ioctl& ioctl, unsigned index, std::uint32_t flags, unsigned count,
                   const std::vector<std::int32_t>& eventfds) {
    const std::size_t data = eventfds.size() * sizeof(std::int32_t);
    std::vector<std::byte> bytes(sizeof(vfio_irq_set) + data);
    vfio_irq_set header{};
    header.argsz = static_cast<std::uint32_t>(bytes.size());
    header.flags = flags;
    header.index = index;
    header.count = count;
    std::memcpy(bytes.data(), &header, sizeof header);
    if (data != 0) { std::memcpy(bytes.data() + sizeof header, eventfds.data(), data); }
    return ioctl.call(device, VFIO_DEVICE_SET_IRQS, bytes.data());
}

} // namespace

Result<unsigned> VfioDevice::interrupt_count(unsigned index) const {
    vfio_irq_info information{};
    information.argsz = sizeof information;
    information.index = index;
    if (ioctl_.call(handles_.device->get(), VFIO_DEVICE_GET_IRQ_INFO, &information) != 0) {
        // Kinds that the kernel knows and this device cannot have.
        if (errno == EINVAL) { return 0U; }
        return base::system_error("ask for the interrupts of", name());
    }
    return information.count;
}

Result<std::vector<Interrupt>> VfioDevice::open_interrupts(unsigned index, unsigned count,
                                                           const std::string& what) const {
    std::vector<Interrupt> interrupts;
    std::vector<std::int32_t> eventfds;
    interrupts.reserve(count);
    eventfds.reserve(count);
    for (unsigned number = 0; number < count; ++number) {
        base::UniqueFd eventfd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!eventfd) { return base::system_error("open the interrupt", name()); }
        eventfds.push_back(eventfd.get());
        auto interrupt =
            Interrupt::adopt_eventfd(std::move(eventfd), name() + " " + what + " " + std::to_string(number));
        if (!interrupt) { return std::unexpected(interrupt.error()); }
        interrupts.push_back(std::move(*interrupt));
    }
    constexpr std::uint32_t flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
    if (set_interrupts(handles_.device->get(), ioctl_, index, flags, count, eventfds) != 0) {
        return base::system_error("enable the interrupts of", name());
    }
    return interrupts;
}

Result<Interrupt> VfioDevice::open_one(unsigned index, const std::string& what) const {
    const auto count = interrupt_count(index);
    if (!count) { return std::unexpected(count.error()); }
    if (*count == 0) { return base::failure("open the interrupt", name(), "it has none for " + what); }
    auto interrupts = open_interrupts(index, 1, what);
    if (!interrupts) { return std::unexpected(interrupts.error()); }
    return std::move(interrupts->front());
}

Result<std::vector<Interrupt>> VfioDevice::message_interrupts(unsigned count) const {
    const auto extended = interrupt_count(VFIO_PCI_MSIX_IRQ_INDEX);
    if (!extended) { return std::unexpected(extended.error()); }
    const auto plain = interrupt_count(VFIO_PCI_MSI_IRQ_INDEX);
    if (!plain) { return std::unexpected(plain.error()); }
    const bool is_extended = *extended > 0;
    const unsigned most = is_extended ? *extended : *plain;
    if (count == 0 || count > most) {
        return base::failure("open the interrupts of", name(),
                             std::to_string(count) + " are wanted, it has " + std::to_string(most));
    }
    // A message is a write to memory.
    if (const auto enabled = set_bus_master(true); !enabled) { return std::unexpected(enabled.error()); }
    return open_interrupts(is_extended ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX, count,
                           is_extended ? "MSI-X" : "MSI");
}

// The kernel masks the line with each interrupt, as it is level-triggered.
Result<Interrupt> VfioDevice::open_line() const {
    auto eventfd = base::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!eventfd) { return base::system_error("open the interrupt", name()); }
    const int number = eventfd.get();
    // The device's descriptor must not stay open for the interrupt's sake: that would keep the device from going.
    const std::weak_ptr<base::UniqueFd> device = handles_.device;
    Ioctl& ioctl = ioctl_;
    const auto unmask = [device, &ioctl, device_name = name()]() -> Result<> {
        const auto open = device.lock();
        if (!open) { return base::failure("arm the interrupt", device_name, "the device was closed"); }
        constexpr std::uint32_t flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK;
        if (set_interrupts(open->get(), ioctl, VFIO_PCI_INTX_IRQ_INDEX, flags, 1, {}) != 0) {
            return base::system_error("arm the interrupt", device_name);
        }
        return {};
    };
    constexpr std::uint32_t flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
    if (set_interrupts(handles_.device->get(), ioctl_, VFIO_PCI_INTX_IRQ_INDEX, flags, 1, {number}) != 0) {
        return base::system_error("enable the interrupt of", name());
    }
    return Interrupt::adopt_eventfd(std::move(eventfd), name() + " INTx", unmask);
}

Result<Interrupt> VfioDevice::interrupt() const {
    for (const unsigned index : {VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX}) {
        const auto count = interrupt_count(index);
        if (!count) { return std::unexpected(count.error()); }
        if (*count == 0) { continue; }
        auto interrupts = message_interrupts(1);
        if (!interrupts) { return std::unexpected(interrupts.error()); }
        return std::move(interrupts->front());
    }
    const auto count = interrupt_count(VFIO_PCI_INTX_IRQ_INDEX);
    if (!count) { return std::unexpected(count.error()); }
    if (*count == 0) { return base::failure("open the interrupt", name(), "the device has none"); }
    return open_line();
}

Result<Interrupt> VfioDevice::removal() const { return open_one(VFIO_PCI_REQ_IRQ_INDEX, "removal"); }

Result<Interrupt> VfioDevice::error_reports() const { return open_one(VFIO_PCI_ERR_IRQ_INDEX, "errors"); }

} // namespace vb::hardware
