// A sysfs and a /dev of files, with the devices that a test puts into them.
#pragma once

#include "hardware/sysfs.h"
#include "unit/hardware/scratch.h"

#include <string>

namespace vb::hardware {

class DeviceTree {
  public:
    Roots roots() const { return {.sys = directory.path() / "sys", .dev = directory.path() / "dev"}; }

    // With a BAR 0 of 4 KiB of memory, a BAR 1 of ports and a BAR 4 of 8 KiB of memory.
    void add_pci(const std::string& address, const std::string& vendor, const std::string& device) const {
        const std::filesystem::path place = pci(address);
        directory.write(place / "vendor", "0x" + vendor + "\n");
        directory.write(place / "device", "0x" + device + "\n");
        directory.write(place / "enable", "0\n");
        const std::string none = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
        directory.write(place / "resource", "0x00000000fea00000 0x00000000fea00fff 0x0000000000040200\n"
                                            "0x000000000000c000 0x000000000000c01f 0x0000000000040101\n" +
                                                none + none +
                                                "0x00000000fe000000 0x00000000fe001fff 0x000000000014220c\n" +
                                                none + none);
        directory.write(place / "resource0", std::string(4096, '\0'));
        directory.write(place / "resource4", std::string(8192, '\0'));
        directory.write(place / "config", std::string(256, '\0'));
    }
    void bind(const std::string& address, const std::string& driver) const {
        directory.link(pci(address) / "driver", "../../drivers/" + driver);
    }

    // With a map 0 of 4 KiB and a map 1 of 32 bytes that begins within a page.
    void add_uio(const std::string& number, const std::string& name) const {
        const std::filesystem::path place = uio(number);
        directory.write(place / "name", name + "\n");
        directory.write(place / "event", "0\n");
        directory.write(place / "maps/map0/name", "control\n");
        directory.write(place / "maps/map0/size", "0x0000000000001000\n");
        directory.write(place / "maps/map0/offset", "0x0\n");
        directory.write(place / "maps/map1/name", "\n");
        directory.write(place / "maps/map1/size", "0x0000000000000020\n");
        directory.write(place / "maps/map1/offset", "0x10\n");
        directory.write("dev/" + number, std::string(8192, '\0'));
    }

    static std::filesystem::path pci(const std::string& address) { return "sys/bus/pci/devices/" + address; }
    static std::filesystem::path uio(const std::string& number) { return "sys/class/uio/" + number; }

    ScratchDirectory directory;
};

} // namespace vb::hardware
