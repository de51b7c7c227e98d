#include "rules/devices.h"

namespace vb::rules {

namespace {

// Each interrupt is armed again once it has been heard.
base::Result<std::unique_ptr<Feed>> interrupts_of(const hardware::Device& device, http::EventLoop& loop) {
    auto opened = device.interrupt();
    if (!opened) { return std::unexpected(opened.error()); }
    const auto interrupt = std::make_shared<hardware::Interrupt>(*std::move(opened));
    const auto take = [interrupt]() -> base::Result<std::vector<Event>> {
        const auto count = interrupt->take();
        if (!count) { return std::unexpected(count.error()); }
        if (*count == 0) { return {}; }
        return std::vector{
            Event{.value = Number(static_cast<std::int64_t>(*count)), .before = {}, .count = *count}};
    };
    return std::make_unique<Feed>(loop, interrupt->fd(), take, [interrupt] { return interrupt->arm(); });
}

base::Result<> nothing() { return {}; }

std::unique_ptr<Feed> edges_of(hardware::GpioLine& line, http::EventLoop& loop) {
    const auto take = [&line]() -> base::Result<std::vector<Event>> {
        const auto edges = line.take();
        if (!edges) { return std::unexpected(edges.error()); }
        std::vector<Event> events;
        for (const hardware::GpioEdge& edge : *edges) {
            events.push_back(
                {.value = Number(edge.is_rising), .before = Number(!edge.is_rising), .count = 1 + edge.lost});
        }
        return events;
    };
    return std::make_unique<Feed>(loop, line.fd(), take, nothing);
}

bool is_told(const hardware::InputEvent& event) noexcept {
    constexpr std::int32_t repeated = 2; // a key that is held
    return (event.type == EV_KEY && event.value != repeated) || event.type == EV_SW || event.type == EV_ABS ||
           event.type == EV_REL;
}

std::unique_ptr<Feed> keys_of(hardware::InputDevice& input, http::EventLoop& loop) {
    const auto take = [&input]() -> base::Result<std::vector<Event>> {
        const auto taken = input.take();
        if (!taken) { return std::unexpected(taken.error()); }
        std::vector<Event> events;
        for (const hardware::InputEvent& event : *taken) {
            if (!is_told(event)) { continue; }
            events.push_back({.value = Number(event.value), .before = {}, .count = 1, .code = event.code});
        }
        return events;
    };
    return std::make_unique<Feed>(loop, input.fd(), take, nothing);
}

// What a rule wants of a line, where its specification does not say.
void complete(hardware::GpioOptions& options, bool is_written) noexcept {
    using Options = hardware::GpioOptions;
    if (is_written) { options.direction = Options::Direction::output; }
    if (options.direction == Options::Direction::input && options.edges == Options::Edges::none) {
        options.edges = Options::Edges::both;
    }
}

} // namespace

base::Result<hardware::Device*> OpenDevice::registers() {
    if (has_registers()) { return std::get<Registers>(opened_).get(); }
    return base::failure("use the device", name_, "the rule needs one that has registers");
}

base::Result<Feed*> OpenDevice::feed(http::EventLoop& loop) {
    if (!feed_) {
        auto made = new_feed(loop);
        if (!made) { return std::unexpected(made.error()); }
        feed_ = *std::move(made);
    }
    return feed_.get();
}

base::Result<std::unique_ptr<Feed>> OpenDevice::new_feed(http::EventLoop& loop) {
    if (auto* const line = std::get_if<hardware::GpioLine>(&opened_)) { return edges_of(*line, loop); }
    if (auto* const input = std::get_if<hardware::InputDevice>(&opened_)) { return keys_of(*input, loop); }
    return interrupts_of(*std::get<Registers>(opened_), loop);
}

bool OpenDevice::is_present() const { return !has_registers() || std::get<Registers>(opened_)->is_present(); }

base::Result<hardware::Region*> OpenDevice::region(unsigned index) {
    const auto known = regions_.find(index);
    if (known != regions_.end()) { return &known->second; }
    const auto device = registers();
    if (!device) { return std::unexpected(device.error()); }
    auto mapped = (*device)->map(index);
    if (!mapped) { return std::unexpected(mapped.error()); }
    return &regions_.emplace(index, *std::move(mapped)).first->second;
}

base::Result<Number> OpenDevice::read(unsigned region, std::uint64_t offset, config::RegisterType type,
                                      std::uint64_t mask) {
    const auto mapped = this->region(region);
    if (!mapped) { return std::unexpected(mapped.error()); }
    const auto bits = (*mapped)->read(width_of(type), offset);
    if (!bits) { return std::unexpected(bits.error()); }
    return Number::of_register(*bits & mask, type);
}

base::Result<> OpenDevice::write(const config::RuleWrite& write, std::uint64_t value) {
    if (auto* const line = std::get_if<hardware::GpioLine>(&opened_)) { return line->write(value != 0); }
    if (!write.offset) { return base::failure("write", name_, "the rule names no offset of a register"); }
    const auto mapped = region(write.region);
    if (!mapped) { return std::unexpected(mapped.error()); }
    return (*mapped)->write(width_of(write.type), *write.offset, value);
}

base::Result<std::shared_ptr<OpenDevice>> Devices::open(const std::string& name) {
    const auto known = open_.find(name);
    if (known != open_.end()) { return known->second; }
    const auto specification = specifications_.find(name);
    if (specification == specifications_.end()) {
        return base::failure("open the device", name, "there is no device of this name");
    }
    auto opened = open_as(name, specification->second);
    if (!opened) { return std::unexpected(opened.error()); }
    return open_.emplace(name, std::make_shared<OpenDevice>(name, *std::move(opened))).first->second;
}

std::vector<std::string> Devices::gone() const {
    std::vector<std::string> names;
    for (const auto& [name, device] : open_) {
        if (!device->is_present()) { names.push_back(name); }
    }
    return names;
}

base::Result<OpenDevice::Opened> Devices::open_as(const std::string& name, const std::string& text) const {
    auto specification = hardware::parse_specification(text);
    if (!specification) { return std::unexpected(specification.error()); }
    if (specification->kind == hardware::Specification::Kind::gpio) {
        complete(specification->gpio_options, written_.contains(name));
        return hardware::GpioLine::open(specification->gpio, specification->gpio_options);
    }
    if (specification->kind == hardware::Specification::Kind::input) {
        return hardware::InputDevice::open(specification->object);
    }
    return hardware::open_device(text);
}

} // namespace vb::rules
