#include "hardware/input.h"

#include "hardware/specification.h"

#include <array>
#include <ctime>
#include <fcntl.h>
#include <span>
#include <unistd.h>

namespace vb::hardware {

namespace {

constexpr std::size_t most_at_once = 64;
constexpr int most_reads = 64; // of a flood the rest is for the next time

template <std::size_t Count>
using Bits = std::array<unsigned char, (Count + 7) / 8>; // as the kernel has them

template <std::size_t Count>
bool has_bit(const Bits<Count>& bits, std::size_t number) {
    return (bits[number / 8] >> (number % 8) & 1) != 0;
}

Result<std::string> name_of(int file, const std::string& path, Ioctl& ioctl) {
    char name[256] = {};
    if (ioctl.call(file, EVIOCGNAME(sizeof name - 1), name) < 0) {
        return base::system_error("ask the name of", path);
    }
    return std::string(name);
}

bool is_axis_of_one(std::size_t code) { return code < ABS_MT_SLOT || code > ABS_MT_TOOL_Y; }

// What the device says of `now` and we did not know.
template <std::size_t Count>
void report(std::uint16_t type, const Bits<Count>& now, std::bitset<Count>& known,
            std::vector<InputEvent>& changes) {
    for (std::size_t code = 0; code < Count; ++code) {
        const bool is_set = has_bit<Count>(now, code);
        if (known[code] == is_set) { continue; }
        known[code] = is_set;
        changes.push_back({.type = type, .code = static_cast<std::uint16_t>(code), .value = is_set ? 1 : 0});
    }
}

} // namespace

Result<InputDevice> InputDevice::open(const std::string& name, const Roots& roots, Ioctl& ioctl) {
    std::vector<std::string> there;
    std::optional<base::Error> failure;
    for (const std::string& number : names_in(roots.dev + "/input")) {
        if (!number.starts_with("event")) { continue; }
        const std::string path = roots.dev + "/input/" + number;
        auto file = open_file(path, O_RDONLY | O_NONBLOCK);
        auto own_name = file ? name_of(file->get(), path, ioctl) : std::unexpected(file.error());
        there.push_back(number + " (" + own_name.value_or("?") + ")");
        if (!own_name) { failure = own_name.error(); }
        if (!own_name || (name != number && name != *own_name)) { continue; }
        InputDevice device("input:" + number, std::move(*file), ioctl);
        int clock = CLOCK_MONOTONIC;
        (void)ioctl.call(device.fd(), EVIOCSCLOCKID, &clock);
        std::vector<InputEvent> state; // what is pressed already is no event
        if (const auto asked = device.ask(state); !asked) { return std::unexpected(asked.error()); }
        return device;
    }
    if (failure) { return std::unexpected(*failure); }
    return base::failure("find the input device", name,
                         "there is no such device; there is " + join(there, "no input device at all"));
}

Result<std::vector<InputEvent>> InputDevice::take() {
    std::vector<InputEvent> events;
    for (int reads = 0; reads < most_reads; ++reads) {
        const auto is_all = read_some(events);
        if (!is_all) { return std::unexpected(is_all.error()); }
        if (*is_all) { break; }
    }
    return events;
}

// Returns whether there is no more to read.
Result<bool> InputDevice::read_some(std::vector<InputEvent>& events) {
    std::array<input_event, most_at_once> raw;
    const ssize_t size = ::read(file_.get(), raw.data(), sizeof raw);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) { return true; }
    if (size < 0) { return base::system_error("take the events of", name_); }
    const auto count = static_cast<std::size_t>(size) / sizeof(input_event);
    if (count == 0) { return base::failure("take the events of", name_, "the device is gone"); }
    for (const input_event& one : std::span(raw).first(count)) {
        if (one.type == EV_SYN && one.code == SYN_DROPPED) {
            ++losses_;
            // What is on its way is older than the answers we are about to get, and would undo them.
            discard_waiting();
            if (const auto asked = ask(events); !asked) { return std::unexpected(asked.error()); }
            events.push_back({.type = EV_SYN, .code = SYN_REPORT});
            return true;
        }
        const InputEvent event{.type = one.type,
                               .code = one.code,
                               .value = one.value,
                               .time = std::chrono::seconds(one.input_event_sec) +
                                       std::chrono::microseconds(one.input_event_usec)};
        remember(event);
        events.push_back(event);
    }
    return count < most_at_once;
}

void InputDevice::discard_waiting() {
    std::array<input_event, most_at_once> raw;
    for (int reads = 0; reads < most_reads; ++reads) {
        if (::read(file_.get(), raw.data(), sizeof raw) <= 0) { return; }
    }
}

void InputDevice::remember(const InputEvent& event) {
    if (event.type == EV_KEY && event.code < keys_.size()) { keys_[event.code] = event.value != 0; }
    if (event.type == EV_SW && event.code < switches_.size()) { switches_[event.code] = event.value != 0; }
    if (event.type == EV_ABS && is_axis_of_one(event.code)) { axes_[event.code] = event.value; }
}

Result<> InputDevice::ask(std::vector<InputEvent>& changes) {
    Bits<KEY_CNT> keys{};
    if (ioctl_->call(file_.get(), EVIOCGKEY(sizeof keys), keys.data()) < 0) {
        return base::system_error("ask the keys of", name_);
    }
    report<KEY_CNT>(EV_KEY, keys, keys_, changes);
    Bits<SW_CNT> switches{};
    if (ioctl_->call(file_.get(), EVIOCGSW(sizeof switches), switches.data()) < 0) {
        return base::system_error("ask the switches of", name_);
    }
    report<SW_CNT>(EV_SW, switches, switches_, changes);
    return ask_axes(changes);
}

Result<> InputDevice::ask_axes(std::vector<InputEvent>& changes) {
    Bits<ABS_CNT> there{};
    if (ioctl_->call(file_.get(), EVIOCGBIT(EV_ABS, sizeof there), there.data()) < 0) {
        return base::system_error("ask the axes of", name_);
    }
    for (std::size_t code = 0; code < ABS_CNT; ++code) {
        if (!has_bit<ABS_CNT>(there, code) || !is_axis_of_one(code)) { continue; }
        input_absinfo axis{};
        if (ioctl_->call(file_.get(), EVIOCGABS(code), &axis) < 0) {
            return base::system_error("ask an axis of", name_);
        }
        const auto number = static_cast<std::uint16_t>(code);
        const auto known = axes_.find(number);
        if (known != axes_.end() && known->second == axis.value) { continue; }
        axes_[number] = axis.value;
        changes.push_back({.type = EV_ABS, .code = number, .value = axis.value});
    }
    return {};
}

Result<InputDevice> open_input_device(std::string_view text, const Roots& roots, Ioctl& ioctl) {
    const auto specification = parse_specification(text);
    if (!specification) { return std::unexpected(specification.error()); }
    if (specification->kind != Specification::Kind::input) {
        return base::failure("open the input device", text, explain(specification->kind));
    }
    return InputDevice::open(specification->object, roots, ioctl);
}

} // namespace vb::hardware
