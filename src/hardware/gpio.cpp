#include "hardware/gpio.h"

#include "hardware/specification.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <linux/gpio.h>
#include <optional>
#include <unistd.h>

namespace vb::hardware {

namespace {

using Options = GpioOptions;

constexpr char consumer[] = "vector_boot";
constexpr std::uint32_t buffered_edges = 256; // by the kernel, until we take them

struct Chip {
    base::UniqueFd file;
    std::string number; // "gpiochip0"
    std::string label;
    std::uint32_t line_count = 0;
};

struct Place {
    Chip chip;
    std::uint32_t offset = 0;
};

// The kernel's texts end in NUL where they are shorter than their room.
template <std::size_t Size>
std::string text_of(const char (&text)[Size]) {
    return {text, ::strnlen(text, Size)};
}

Result<Chip> open_chip(const std::string& number, const Roots& roots, Ioctl& ioctl) {
    const std::string path = roots.dev + "/" + number;
    auto file = open_file(path, O_RDWR);
    if (!file) { return std::unexpected(file.error()); }
    gpiochip_info information{};
    if (ioctl.call(file->get(), GPIO_GET_CHIPINFO_IOCTL, &information) != 0) {
        return base::system_error("ask the GPIO chip", path);
    }
    return Chip{.file = std::move(*file),
                .number = number,
                .label = text_of(information.label),
                .line_count = information.lines};
}

std::optional<gpio_v2_line_info> describe_line(const Chip& chip, std::uint32_t offset, Ioctl& ioctl) {
    gpio_v2_line_info information{};
    information.offset = offset;
    if (ioctl.call(chip.file.get(), GPIO_V2_GET_LINEINFO_IOCTL, &information) != 0) { return std::nullopt; }
    return information;
}

std::optional<std::uint32_t> find_line(const Chip& chip, const std::string& line, Ioctl& ioctl) {
    for (std::uint32_t offset = 0; offset < chip.line_count; ++offset) {
        const auto information = describe_line(chip, offset, ioctl);
        if (information && text_of(information->name) == line) { return offset; }
    }
    return std::nullopt;
}

// Of a chip that was named a number is the line's place; of any chip only a name says which is meant.
std::optional<std::uint32_t> offset_of(const Chip& chip, const GpioName& name, Ioctl& ioctl) {
    const auto number = name.chip.empty() ? std::nullopt : parse_digits(name.line, 10);
    if (number && *number < chip.line_count) { return static_cast<std::uint32_t>(*number); }
    return find_line(chip, name.line, ioctl);
}

Result<Place> find_place(const GpioName& name, const Roots& roots, Ioctl& ioctl) {
    const std::string text = name.chip + (name.chip.empty() ? "" : " ") + name.line;
    std::vector<std::string> chips;
    std::optional<base::Error> failure;
    for (const std::string& number : names_in(roots.dev)) {
        if (!number.starts_with("gpiochip")) { continue; }
        auto chip = open_chip(number, roots, ioctl);
        if (!chip) {
            failure = chip.error(); // another one may have the line
            chips.push_back(number);
            continue;
        }
        chips.push_back(number + " (" + chip->label + ", " + std::to_string(chip->line_count) + " lines)");
        if (!name.chip.empty() && name.chip != number && name.chip != chip->label) { continue; }
        if (const auto offset = offset_of(*chip, name, ioctl)) {
            return Place{.chip = std::move(*chip), .offset = *offset};
        }
    }
    if (failure) { return std::unexpected(*failure); }
    return base::failure("find the GPIO line", text,
                         "there is no such line; there is " + join(chips, "no GPIO chip at all"));
}

std::uint64_t flags_of(const Options& options) {
    std::uint64_t flags = options.is_active_low ? GPIO_V2_LINE_FLAG_ACTIVE_LOW : 0;
    switch (options.bias) {
    case Options::Bias::unchanged:
        break;
    case Options::Bias::off:
        flags |= GPIO_V2_LINE_FLAG_BIAS_DISABLED;
        break;
    case Options::Bias::pull_up:
        flags |= GPIO_V2_LINE_FLAG_BIAS_PULL_UP;
        break;
    case Options::Bias::pull_down:
        flags |= GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN;
        break;
    }
    if (options.direction == Options::Direction::output) {
        flags |= GPIO_V2_LINE_FLAG_OUTPUT;
        if (options.drive == Options::Drive::open_drain) { flags |= GPIO_V2_LINE_FLAG_OPEN_DRAIN; }
        if (options.drive == Options::Drive::open_source) { flags |= GPIO_V2_LINE_FLAG_OPEN_SOURCE; }
        return flags;
    }
    flags |= GPIO_V2_LINE_FLAG_INPUT;
    const bool both = options.edges == Options::Edges::both;
    if (both || options.edges == Options::Edges::rising) { flags |= GPIO_V2_LINE_FLAG_EDGE_RISING; }
    if (both || options.edges == Options::Edges::falling) { flags |= GPIO_V2_LINE_FLAG_EDGE_FALLING; }
    return flags;
}

gpio_v2_line_request request_of(std::uint32_t offset, const Options& options) {
    gpio_v2_line_request request{};
    request.offsets[0] = offset;
    request.num_lines = 1;
    std::memcpy(request.consumer, consumer, sizeof consumer);
    request.config.flags = flags_of(options);
    gpio_v2_line_config_attribute attribute{};
    attribute.mask = 1; // the first of the lines in the request
    if (options.direction == Options::Direction::output) {
        attribute.attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
        attribute.attr.values = options.value ? 1 : 0;
        request.config.attrs[request.config.num_attrs++] = attribute;
    } else if (options.debounce_microseconds > 0) {
        attribute.attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
        attribute.attr.debounce_period_us = options.debounce_microseconds;
        request.config.attrs[request.config.num_attrs++] = attribute;
    }
    if (options.edges != Options::Edges::none) { request.event_buffer_size = buffered_edges; }
    return request;
}

} // namespace

Result<GpioLine> GpioLine::open(const GpioName& name, const GpioOptions& options, const Roots& roots,
                                Ioctl& ioctl) {
    if (options.direction == Options::Direction::output && options.edges != Options::Edges::none) {
        return base::failure("open the GPIO line", name.line, "an output has no edges");
    }
    const auto place = find_place(name, roots, ioctl);
    if (!place) { return std::unexpected(place.error()); }
    const std::string full_name = "gpio:" + place->chip.number + ":" + std::to_string(place->offset);
    gpio_v2_line_request request = request_of(place->offset, options);
    if (ioctl.call(place->chip.file.get(), GPIO_V2_GET_LINE_IOCTL, &request) != 0) {
        auto error = base::system_error("open the GPIO line", full_name);
        const auto information = describe_line(place->chip, place->offset, ioctl);
        if (error.error().number == EBUSY && information) {
            error.error().detail << "it is used by " << text_of(information->consumer);
        }
        return error;
    }
    base::UniqueFd line(request.fd);
    const int flags = ::fcntl(line.get(), F_GETFL);
    if (flags < 0 || ::fcntl(line.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
        return base::system_error("open the GPIO line", full_name);
    }
    return GpioLine(full_name, std::move(line), options, ioctl);
}

Result<bool> GpioLine::read() const {
    gpio_v2_line_values values{.bits = 0, .mask = 1};
    if (ioctl_->call(line_.get(), GPIO_V2_LINE_GET_VALUES_IOCTL, &values) != 0) {
        return base::system_error("read", name_);
    }
    return (values.bits & 1) != 0;
}

Result<> GpioLine::write(bool is_active) {
    if (options_.direction == Options::Direction::input) {
        return base::failure("write", name_, "it is an input");
    }
    gpio_v2_line_values values{.bits = is_active ? 1U : 0U, .mask = 1};
    if (ioctl_->call(line_.get(), GPIO_V2_LINE_SET_VALUES_IOCTL, &values) != 0) {
        return base::system_error("write", name_);
    }
    return {};
}

Result<std::vector<GpioEdge>> GpioLine::take() {
    if (options_.edges == Options::Edges::none) {
        return base::failure("take the edges of", name_,
                             "it was opened without: expected edges=rising, falling or both");
    }
    std::vector<GpioEdge> edges;
    std::array<gpio_v2_line_event, buffered_edges> events;
    const ssize_t size = ::read(line_.get(), events.data(), sizeof events);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) { return edges; }
    if (size < 0) { return base::system_error("take the edges of", name_); }
    const auto count = static_cast<std::size_t>(size) / sizeof(gpio_v2_line_event);
    if (count == 0) { return base::failure("take the edges of", name_, "the chip is gone"); }
    edges.reserve(count);
    for (const gpio_v2_line_event& event : std::span(events).first(count)) {
        edges.push_back({.is_rising = event.id == GPIO_V2_LINE_EVENT_RISING_EDGE,
                         .time = base::Nanoseconds(static_cast<std::int64_t>(event.timestamp_ns)),
                         .lost = event.line_seqno - seen_ - 1});
        seen_ = event.line_seqno;
    }
    return edges;
}

Result<GpioLine> open_gpio_line(std::string_view text, const Roots& roots, Ioctl& ioctl) {
    const auto specification = parse_specification(text);
    if (!specification) { return std::unexpected(specification.error()); }
    if (specification->kind != Specification::Kind::gpio) {
        return base::failure("open the GPIO line", text, explain(specification->kind));
    }
    return GpioLine::open(specification->gpio, specification->gpio_options, roots, ioctl);
}

} // namespace vb::hardware
