#include "config/schema.h"

#include "config/names.h"
#include "config/signal_names.h"
#include "sys/socket_address.h"

#include <algorithm>

namespace vb::config {

namespace {

constexpr std::size_t longest_hostname = 64; // HOST_NAME_MAX
constexpr std::string_view any_name = "NAME";

constexpr Key keys[] = {
    {"engine", "model", "the path of a GGUF file, in quotes"},
    {"engine", "context", "a whole number of tokens from 64 to 1048576"},
    {"engine", "cache", "a directory, in quotes, or \"\" for none"},
    {"engine", "threads", "a whole number from 0 (automatic) to 512"},
    {"engine", "parallel", "a whole number from 1 to 64"},
    {"engine", "kept", "a whole number from 0 (as the context) to 1048576"},
    {"handoff", "mode", "\"worker\", \"python\" or \"exec\""},
    {"handoff", "app", "a file, directory, zip, or \"package.module:function\", in quotes"},
    {"handoff", "arguments", "a list of texts for sys.argv"},
    {"handoff", "venv", "the absolute path of a virtual environment, or \"\" for none"},
    {"handoff", "site", "true or false"},
    {"handoff", "directory", "an absolute path, or \"\" for none"},
    {"handoff", "user", "the name or number of a user, in quotes, or \"\" for PID 1's"},
    {"handoff", "ready", "\"engine\" or \"app\""},
    {"handoff", "command", "program and arguments, such as [\"/bin/sh\", \"-c\", \"...\"]"},
    {"handoff", "signal_group", "true or false"},
    {"handoff", "success", "exit statuses from 0 to 255, such as [0, 143]"},
    {"handoff", "parent_death", "a signal such as \"SIGTERM\", or \"\" for none"},
    {"handoff", "report_reaping", "true or false"},
    {"listen", "http", "an address such as \"127.0.0.1:8080\", \"[::1]:8080\" or \"*:8080\""},
    {"http", "keys", "the path of a file of keys, in quotes, or \"\" for none"},
    {"http", "origins", "a list such as [\"https://example.com\"], or [\"*\"] for all"},
    {"http", "certificate", "the path of a PEM file, in quotes, together with private_key"},
    {"http", "private_key", "the path of a PEM file, in quotes, together with certificate"},
    {"http", "access_log", "true or false"},
    {"http", "queue", "a whole number from 1 to 65536"},
    {"http", "queue_timeout", "a whole number of milliseconds from 0 to 3600000"},
    {"http", "request_timeout", "a whole number of milliseconds from 0 (none) to 3600000"},
    {"http", "drain", "a whole number of milliseconds from 0 to 600000"},
    {"sandbox", "enabled", "true or false"},
    {"sandbox", "user", "the name or number of a user, in quotes"},
    {"sandbox", "readable", "a list of absolute paths such as [\"/srv/models\"]"},
    {"failure", "policy", "\"restart\", \"shell\", \"reboot\", \"poweroff\" or \"exit\""},
    {"failure", "limit", "a whole number from 1 to 1000"},
    {"failure", "crash", "\"reboot\", \"shell\" or \"freeze\""},
    {"shutdown", "timeout", "a whole number of milliseconds from 0 to 600000"},
    {"watchdog", "device", "a path, in quotes, or \"\" for none"},
    {"watchdog", "timeout", "a whole number of milliseconds from 1000 to 3600000"},
    {"watchdog", "reboot_timeout", "a whole number of milliseconds from 1000 to 3600000"},
    {"watchdog", "runtime", "a whole number of milliseconds from 1000 to 3600000, or 0 for none"},
    {"machine", "ctrl_alt_del", "\"reboot\", \"poweroff\" or \"ignore\""},
    {"machine", "hostname", "a name of at most 64 characters, in quotes"},
    {"machine", "break_at", "\"never\", \"early\" or \"runtime\""},
    {"machine", "ip", "an address as in \"10.0.2.15::10.0.2.2:255.255.255.0::eth0:off\""},
    {"machine", "modules", "an absolute path such as \"/lib/modules\""},
    {"control", "group", "the name or number of a group, in quotes"},
    {"log", "level", "\"error\", \"warning\", \"notice\", \"info\" or \"debug\""},
    {"log", "directory", "a path, in quotes, or \"\" for none"},
    {"service", "name", "a name, in quotes"},
    {"service", "command", "program and arguments, such as [\"/usr/sbin/sshd\", \"-D\"]"},
    {"service", "type", "\"daemon\" or \"oneshot\""},
    {"service", "user", "the name or number of a user, in quotes"},
    {"service", "group", "the name or number of a group, in quotes"},
    {"service", "environment", "a list such as [\"NAME=value\"]"},
    {"service", "directory", "a path, in quotes"},
    {"service", "after", "a list of names of services"},
    {"service", "ready", "\"none\", \"notify\" or \"fd\""},
    {"service", "restart", "\"always\", \"failure\" or \"never\""},
    {"service", "limit", "a whole number from 1 to 1000"},
    {"service", "stop_signal", "a signal such as \"SIGTERM\""},
    {"service", "stop_timeout", "a whole number of milliseconds from 0 to 600000"},
    {"service", "memory", "a size such as \"64M\" or \"1G\""},
    {"service", "cpus", "a number of CPUs such as 0.5"},
    {"service", "limits", "names of getrlimit(2) such as { nofile = 1024, core = 0 }"},
    {"service", "capabilities", "names of capabilities(7) such as [\"CAP_NET_ADMIN\"]"},
    {"service", "no_new_privileges", "true or false"},
    {"service", "sockets", "addresses such as [\"0.0.0.0:22\"]"},
    {"mount", "source", "a device, in quotes"},
    {"mount", "target", "an absolute path, in quotes"},
    {"mount", "type", "a file system such as \"ext4\""},
    {"mount", "options", "options of mount(8) such as \"ro,noatime\""},
    {"device", "name", "letters, digits, \"-\" or \"_\", in quotes, that no other device has"},
    {"device", "pci",
     "\"VENDOR:DEVICE\" or an address such as \"0000:00:04.0\", or another key in its place"},
    {"device", "vfio", "\"VENDOR:DEVICE\" or an address such as \"0000:00:04.0\""},
    {"device", "uio", "what its driver calls it, in quotes"},
    {"device", "path", "an absolute path such as \"/sys/devices/platform/sensor\""},
    {"device", "file", "an absolute path, in quotes"},
    {"device", "interrupt", "an absolute path of a FIFO, together with file"},
    {"device", "gpio", "\"CHIP:LINE\", with options such as \"gpiochip0:17?direction=output\""},
    {"device", "input", "\"event0\", or what the device calls itself, in quotes"},
    {"on", "name", "1 to 31 letters, digits, \"-\" or \"_\", in quotes, that no other rule has"},
    {"on", "device", "the name of a [[device]], in quotes"},
    {"on", "event",
     "\"change\", \"interrupt\", \"timer\", \"edge\", \"input\", \"attached\" or \"detached\""},
    {"on", "region", "the number of a region of the device"},
    {"on", "offset", "where the register is in the region, such as 0x20"},
    {"on", "type", "\"u8\", \"u16\", \"u32\", \"u64\", \"i8\", \"i16\", \"i32\" or \"i64\""},
    {"on", "mask", "the bits of the register that matter, such as 0xff"},
    {"on", "values", "names and offsets of registers, such as { pressure = 0x24 }"},
    {"on", "acknowledge", "the offset of the register that is told of the interrupt"},
    {"on", "code", "the number of a key or switch in linux/input-event-codes.h"},
    {"on", "period", "a whole number of milliseconds from 1 to 3600000"},
    {"on", "above", "a whole number"},
    {"on", "below", "a whole number"},
    {"on", "equal", "a whole number"},
    {"on", "system", "a text, in which {value} and the like are filled in"},
    {"on", "prompt", "a text, in which {value} and the like are filled in"},
    {"on", "answers", "a list of texts such as [\"yes\", \"no\"]"},
    {"on", "grammar", "a grammar in GBNF, in quotes"},
    {"on", "schema", "a JSON schema, in quotes"},
    {"on", "max_tokens", "a whole number from 1 to 1048576"},
    {"on", "write",
     "a table such as { device = \"valve\", offset = 0x10, values = { open = 1, close = 0 } }"},
    {"on", "run", "a program and its arguments, such as [\"/usr/bin/logger\", \"{answer}\"]"},
    {"on", "publish", "true or false"},
    {"on", "limit", "a whole number of events a minute from 1 to 60000"},
    {"on", "deadline", "a whole number of milliseconds from 1 to 3600000"},
    {"sysctl", any_name, "a value in quotes, such as \"10\""},
};

base::Text<31> header_of(std::string_view section) noexcept {
    constexpr std::string_view repeated[] = {"service", "mount", "device", "on"};
    const bool is_repeated = std::ranges::contains(repeated, section);
    base::Text<31> header(is_repeated ? "[[" : "[");
    return header << section << (is_repeated ? "]]" : "]");
}

bool is_origin(std::string_view text) noexcept {
    const bool is_web = text.starts_with("http://") || text.starts_with("https://");
    return text == "*" || (is_web && !text.ends_with('/'));
}

bool within(std::uint32_t value, std::uint32_t least, std::uint32_t most) noexcept {
    return least <= value && value <= most;
}

// The first faulty key of [http].
const char* fault_of(const Http& http) noexcept {
    if (!std::ranges::all_of(http.origins, is_origin)) { return "origins"; }
    if (http.certificate.empty() && !http.private_key.empty()) { return "certificate"; }
    if (http.private_key.empty() && !http.certificate.empty()) { return "private_key"; }
    if (!within(http.queue, 1, most_queued)) { return "queue"; }
    if (!within(http.queue_timeout, 0, longest_request)) { return "queue_timeout"; }
    if (!within(http.request_timeout, 0, longest_request)) { return "request_timeout"; }
    if (!within(http.drain, 0, longest_end)) { return "drain"; }
    return nullptr;
}

bool is_absolute(std::string_view path) noexcept { return path.starts_with('/'); }

// The first faulty key of [handoff].
const char* fault_of(const Handoff& handoff) noexcept {
    if (handoff.mode == HandoffMode::python && handoff.app.empty()) { return "app"; }
    if (!handoff.venv.empty() && !is_absolute(handoff.venv)) { return "venv"; }
    if (!handoff.directory.empty() && !is_absolute(handoff.directory)) { return "directory"; }
    if (handoff.mode == HandoffMode::exec && handoff.command.empty()) { return "command"; }
    const auto is_status = [](int status) { return 0 <= status && status <= 255; };
    if (!std::ranges::all_of(handoff.success, is_status)) { return "success"; }
    if (!handoff.parent_death.empty() && parse_signal(handoff.parent_death) == 0) { return "parent_death"; }
    return nullptr;
}

// The first faulty key of one [[device]].
const char* fault_of(const std::vector<Device>& devices, std::size_t index) noexcept {
    const Device& device = devices[index];
    const auto first = std::ranges::find(devices, device.name, &Device::name);
    if (!has_name_characters(device.name) || first != devices.begin() + static_cast<std::ptrdiff_t>(index)) {
        return "name";
    }
    const std::string* const kinds[] = {&device.pci,  &device.vfio, &device.uio,  &device.path,
                                        &device.file, &device.gpio, &device.input};
    if (std::ranges::count_if(kinds, [](const std::string* text) { return !text->empty(); }) != 1) {
        return "pci";
    }
    if (!device.path.empty() && !is_absolute(device.path)) { return "path"; }
    if (!device.file.empty() && !is_absolute(device.file)) { return "file"; }
    if (!device.interrupt.empty() && (device.file.empty() || !is_absolute(device.interrupt))) {
        return "interrupt";
    }
    if (!device.gpio.empty() && !device.gpio.contains(':')) { return "gpio"; }
    return nullptr;
}

// The key by which a rule acts with more than a confined runtime may do; null: there is none.
const char* unconfined_key(const Rule& rule) noexcept {
    if (!rule.device.empty()) { return "device"; }
    if (rule.write) { return "write"; }
    return rule.run.empty() ? nullptr : "run";
}

std::optional<Invalid> find_invalid_rule(const Config& config) noexcept {
    const auto invalid = [](std::size_t index, const char* name, std::string_view expected) {
        return Invalid{.section = "on", .name = name, .expected = expected, .index = index};
    };
    if (const auto fault = find_fault(config.on, config.device)) {
        return invalid(fault->index, fault->key, fault->expected);
    }
    for (std::size_t index = 0; index < config.on.size(); ++index) {
        if (config.handoff.mode == HandoffMode::exec) {
            return invalid(index, "name",
                           "left out with [handoff] mode = \"exec\", where there is no model to be asked");
        }
        const char* const key = unconfined_key(config.on[index]);
        if (key == nullptr || config.handoff.mode == HandoffMode::python || !config.sandbox.enabled) {
            continue;
        }
        return invalid(index, key,
                       "left out, or [sandbox] to have enabled = false: a confined runtime drives no devices "
                       "and runs no "
                       "programs");
    }
    return std::nullopt;
}

} // namespace

const Key* find_key(std::string_view section, std::string_view name) noexcept {
    const auto key = std::ranges::find_if(keys, [=](const Key& candidate) {
        return candidate.section == section && (candidate.name == name || candidate.name == any_name);
    });
    return key == std::end(keys) ? nullptr : key;
}

bool is_section(std::string_view section) noexcept {
    return std::ranges::contains(keys, section, &Key::section);
}

base::Text<511> list_keys(std::string_view section) noexcept {
    base::Text<511> list;
    for (const Key& key : keys) {
        if (key.section == section) { list << (list.empty() ? "" : ", ") << key.name; }
    }
    return list;
}

base::Text<255> list_sections() noexcept {
    base::Text<255> list;
    std::string_view last;
    for (const Key& key : keys) {
        if (key.section != last) { list << (list.empty() ? "" : ", ") << header_of(key.section).view(); }
        last = key.section;
    }
    return list;
}

std::optional<Invalid> find_invalid(const Config& config) noexcept {
    const auto invalid = [](std::string_view section, std::string_view name) {
        return Invalid{.section = section, .name = name, .expected = find_key(section, name)->expected};
    };
    if (config.engine.model.empty()) { return invalid("engine", "model"); }
    if (!within(config.engine.context, least_context, most_context)) { return invalid("engine", "context"); }
    if (!within(config.engine.threads, 0, most_threads)) { return invalid("engine", "threads"); }
    if (!within(config.engine.parallel, 1, most_parallel)) { return invalid("engine", "parallel"); }
    if (!within(config.engine.kept, 0, most_context)) { return invalid("engine", "kept"); }
    if (const char* const fault = fault_of(config.handoff)) { return invalid("handoff", fault); }
    if (!sys::parse_socket_address(config.listen.http)) { return invalid("listen", "http"); }
    if (const char* const fault = fault_of(config.http)) { return invalid("http", fault); }
    if (config.sandbox.user.empty()) { return invalid("sandbox", "user"); }
    if (!std::ranges::all_of(config.sandbox.readable, is_absolute)) { return invalid("sandbox", "readable"); }
    if (!within(config.failure.limit, 1, 1000)) { return invalid("failure", "limit"); }
    if (!within(config.shutdown.timeout, 0, longest_end)) { return invalid("shutdown", "timeout"); }
    const auto is_patience = [](std::uint32_t time) { return within(time, 1000, 3'600'000); };
    if (!is_patience(config.watchdog.timeout)) { return invalid("watchdog", "timeout"); }
    if (!is_patience(config.watchdog.reboot_timeout)) { return invalid("watchdog", "reboot_timeout"); }
    if (config.watchdog.runtime != 0 && !is_patience(config.watchdog.runtime)) {
        return invalid("watchdog", "runtime");
    }
    if (config.machine.hostname.size() > longest_hostname) { return invalid("machine", "hostname"); }
    if (!is_absolute(config.machine.modules)) { return invalid("machine", "modules"); }
    for (std::size_t index = 0; index < config.mount.size(); ++index) {
        if (is_absolute(config.mount[index].target)) { continue; }
        Invalid found = invalid("mount", "target");
        found.index = index;
        return found;
    }
    for (std::size_t index = 0; index < config.device.size(); ++index) {
        const char* const fault = fault_of(config.device, index);
        if (fault == nullptr) { continue; }
        Invalid found = invalid("device", fault);
        found.index = index;
        return found;
    }
    if (const auto invalid_rule = find_invalid_rule(config)) { return invalid_rule; }
    if (const auto fault = find_fault(config.service)) {
        return Invalid{
            .section = "service", .name = fault->key, .expected = fault->expected, .index = fault->index};
    }
    return std::nullopt;
}

} // namespace vb::config
