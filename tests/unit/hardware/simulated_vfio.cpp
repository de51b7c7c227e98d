#include "unit/hardware/simulated_vfio.h"

#include <cstring>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>

namespace vb::hardware {

namespace {

template <class Structure>
Structure& at(std::uintptr_t argument) {
    return *reinterpret_cast<Structure*>(argument); // NOLINT(performance-no-int-to-ptr)
}

int fail(int number) {
    errno = number;
    return -1;
}

} // namespace

SimulatedVfio::SimulatedVfio() : device(memory_file(8 * region_stride)) {}

int SimulatedVfio::call(int, unsigned long request, std::uintptr_t argument) noexcept {
    requests.push_back(request);
    if (const auto failure = failing.find(request); failure != failing.end()) {
        return fail(failure->second);
    }
    return answer(request, argument);
}

int SimulatedVfio::answer(unsigned long request, std::uintptr_t argument) {
    switch (request) {
    case VFIO_GET_API_VERSION:
        return version;
    case VFIO_CHECK_EXTENSION:
        return has_type1 && argument == VFIO_TYPE1v2_IOMMU ? 1 : 0;
    case VFIO_GROUP_GET_STATUS:
        at<vfio_group_status>(argument).flags = is_viable ? VFIO_GROUP_FLAGS_VIABLE : 0;
        return 0;
    case VFIO_GROUP_SET_CONTAINER:
    case VFIO_SET_IOMMU:
        return 0;
    case VFIO_GROUP_GET_DEVICE_FD:
        return open_device(&at<const char>(argument));
    case VFIO_DEVICE_GET_REGION_INFO:
        return describe_region(argument);
    case VFIO_DEVICE_GET_IRQ_INFO:
        return describe_interrupt(argument);
    case VFIO_DEVICE_SET_IRQS:
        return set_interrupts(argument);
    case VFIO_DEVICE_RESET:
        ++resets;
        return 0;
    case VFIO_IOMMU_GET_INFO:
        return describe_iommu(argument);
    case VFIO_IOMMU_MAP_DMA:
        return map(argument);
    case VFIO_IOMMU_UNMAP_DMA:
        return unmap(argument);
    default:
        return fail(ENOTTY);
    }
}

int SimulatedVfio::open_device(const char* wanted) const {
    if (wanted != name) { return fail(ENODEV); }
    return ::fcntl(device.get(), F_DUPFD_CLOEXEC, 0);
}

// BAR 0 is memory, BAR 1 is ports, the rest is not there.
int SimulatedVfio::describe_region(std::uintptr_t argument) const {
    auto& region = at<vfio_region_info>(argument);
    if (region.argsz < sizeof region) { return fail(EINVAL); }
    region.offset = region.index * region_stride;
    region.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
    region.size = 0;
    if (region.index == 0) {
        region.size = bar_size;
        region.flags |= VFIO_REGION_INFO_FLAG_MMAP;
    }
    if (region.index == 1) { region.size = 32; }
    if (region.index == configuration_region) { region.size = 256; }
    return 0;
}

int SimulatedVfio::describe_interrupt(std::uintptr_t argument) const {
    auto& information = at<vfio_irq_info>(argument);
    const auto count = interrupt_counts.find(information.index);
    if (count == interrupt_counts.end()) {
        return fail(EINVAL);
    } // as the kernel for a device without PCI Express
    information.count = count->second;
    information.flags = VFIO_IRQ_INFO_EVENTFD;
    return 0;
}

int SimulatedVfio::set_interrupts(std::uintptr_t argument) {
    const auto& set = at<const vfio_irq_set>(argument);
    if ((set.flags & VFIO_IRQ_SET_ACTION_UNMASK) != 0) {
        ++unmasked;
        return 0;
    }
    if (set.argsz != sizeof set + set.count * sizeof(std::int32_t)) { return fail(EINVAL); }
    auto& eventfds = eventfds_[set.index];
    eventfds.clear();
    for (std::uint32_t number = 0; number < set.count; ++number) {
        std::int32_t eventfd = -1;
        std::memcpy(&eventfd, set.data + number * sizeof eventfd, sizeof eventfd);
        eventfds.emplace_back(::fcntl(eventfd, F_DUPFD_CLOEXEC, 0));
    }
    return 0;
}

// Behind the structure: a capability that nobody knows, then the ranges around the place of the messages.
int SimulatedVfio::describe_iommu(std::uintptr_t argument) const {
    struct Full {
        vfio_iommu_type1_info information;
        vfio_info_cap_header unknown;
        struct { // vfio_iommu_type1_info_cap_iova_range, whose ranges cannot stand inside of a structure
            vfio_info_cap_header header;
            std::uint32_t nr_iovas;
            std::uint32_t reserved;
        } capability;
        vfio_iova_range ranges[2];
    };
    Full full{};
    const std::uint32_t room = at<vfio_iommu_type1_info>(argument).argsz;
    full.information.argsz = sizeof full;
    full.information.flags = VFIO_IOMMU_INFO_PGSIZES;
    full.information.iova_pgsizes = 4096 | 2 << 20;
    if (says_ranges) { full.information.flags |= VFIO_IOMMU_INFO_CAPS; }
    full.unknown = {.id = 77, .version = 1, .next = offsetof(Full, capability)};
    full.capability.header = {.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1, .next = 0};
    full.capability.nr_iovas = 2;
    full.ranges[0] = {.start = 0, .end = 0xfedfffff};
    full.ranges[1] = {.start = 0xfef00000, .end = 0x1fffffffff};
    if (room >= sizeof full) {
        full.information.cap_offset = offsetof(Full, unknown);
        std::memcpy(&at<Full>(argument), &full, sizeof full);
    } else {
        std::memcpy(&at<vfio_iommu_type1_info>(argument), &full.information, sizeof full.information);
    }
    return 0;
}

int SimulatedVfio::map(std::uintptr_t argument) {
    const auto& wanted = at<const vfio_iommu_type1_dma_map>(argument);
    if (wanted.iova % 4096 != 0 || wanted.size % 4096 != 0 || wanted.vaddr % 4096 != 0) {
        return fail(EINVAL);
    }
    for (const auto& [start, mapping] : mappings) {
        if (wanted.iova < start + mapping.size && start < wanted.iova + wanted.size) { return fail(EEXIST); }
    }
    mappings[wanted.iova] = {.memory = wanted.vaddr, .size = wanted.size};
    return 0;
}

int SimulatedVfio::unmap(std::uintptr_t argument) {
    const auto& wanted = at<const vfio_iommu_type1_dma_unmap>(argument);
    const auto mapping = mappings.find(wanted.iova);
    if (mapping == mappings.end() || mapping->second.size != wanted.size) { return fail(EINVAL); }
    mappings.erase(mapping);
    return 0;
}

void SimulatedVfio::raise(unsigned index, unsigned number) const {
    ::eventfd_write(eventfds_.at(index).at(number).get(), 1);
}

const std::byte* SimulatedVfio::reach(std::uint64_t place, std::size_t size) const {
    auto mapping = mappings.upper_bound(place);
    if (mapping == mappings.begin()) { return nullptr; }
    --mapping;
    const std::uint64_t offset = place - mapping->first;
    if (offset > mapping->second.size || mapping->second.size - offset < size) { return nullptr; }
    // NOLINTNEXTLINE(performance-no-int-to-ptr): mmap(2) gave it as a pointer
    return reinterpret_cast<const std::byte*>(mapping->second.memory + offset);
}

bool SimulatedVfio::copy(std::uint64_t from, std::uint64_t to, std::size_t size) const {
    const std::byte* const source = reach(from, size);
    const std::byte* const target = reach(to, size);
    if (source == nullptr || target == nullptr) { return false; }
    std::memmove(const_cast<std::byte*>(target), source, size);
    return true;
}

std::uint16_t SimulatedVfio::command() const {
    std::uint16_t command = 0;
    EXPECT_EQ(::pread(device.get(), &command, sizeof command,
                      static_cast<off_t>(configuration_region * region_stride + PCI_COMMAND)),
              2);
    return command;
}

std::size_t SimulatedVfio::open_count() const {
    std::size_t count = 0;
    struct stat own{};
    EXPECT_EQ(::fstat(device.get(), &own), 0);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        struct stat other{};
        if (::stat(entry.path().c_str(), &other) != 0) { continue; }
        if (other.st_ino == own.st_ino && other.st_dev == own.st_dev) { ++count; }
    }
    return count - 1; // without ours
}

} // namespace vb::hardware
