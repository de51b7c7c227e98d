#include "init/runtime_arguments.h"

#include "config/rule_json.h"

namespace vb::init {

namespace {

class Arguments {
  public:
    explicit Arguments(std::string_view program) { words.emplace_back(program); }

    void flag(const char* option) { words.emplace_back(option); }
    void text(const char* option, std::string_view value) {
        words.emplace_back(option);
        words.emplace_back(value);
    }
    void number(const char* option, std::uint32_t value) {
        base::Text<15> digits;
        text(option, digits << value);
    }
    void text_unless_empty(const char* option, std::string_view value) {
        if (!value.empty()) { text(option, value); }
    }
    void number_unless(std::uint32_t usual, const char* option, std::uint32_t value) {
        if (value != usual) { number(option, value); }
    }

    std::vector<std::string> words;
};

void add_http(Arguments& arguments, const config::Http& http) {
    const config::Http usual;
    arguments.text_unless_empty("--keys", http.keys);
    for (const std::string& origin : http.origins) {
        arguments.text("--origin", origin);
    }
    arguments.text_unless_empty("--certificate", http.certificate);
    arguments.text_unless_empty("--private-key", http.private_key);
    if (http.access_log) { arguments.flag("--access-log"); }
    arguments.number_unless(usual.queue, "--queue", http.queue);
    arguments.number_unless(usual.queue_timeout, "--queue-timeout", http.queue_timeout);
    arguments.number_unless(usual.request_timeout, "--request-timeout", http.request_timeout);
    arguments.number_unless(usual.drain, "--drain", http.drain);
}

// As hardware/specification.h has it.
std::string specification_of(const config::Device& device) {
    std::string text = device.name + "=";
    if (!device.pci.empty()) { return text + "pci:" + device.pci; }
    if (!device.vfio.empty()) { return text + "vfio:" + device.vfio; }
    if (!device.uio.empty()) { return text + "uio:" + device.uio; }
    if (!device.path.empty()) { return text + "path:" + device.path; }
    if (!device.gpio.empty()) { return text + "gpio:" + device.gpio; }
    if (!device.input.empty()) { return text + "input:" + device.input; }
    text += "file:" + device.file;
    return device.interrupt.empty() ? text : text + "?interrupt=" + device.interrupt;
}

void add_program(Arguments& arguments, const config::Handoff& handoff) {
    arguments.text("--python", handoff.app);
    for (const std::string& argument : handoff.arguments) {
        arguments.text("--argument", argument);
    }
    arguments.text_unless_empty("--venv", handoff.venv);
    if (handoff.site) { arguments.flag("--site"); }
    arguments.text_unless_empty("--directory", handoff.directory);
    if (handoff.ready == config::HandoffReady::app) { arguments.flag("--ready-by-program"); }
}

} // namespace

std::vector<std::string> runtime_arguments(std::string_view program, const config::Config& config) noexcept {
    Arguments arguments(program);
    const config::Engine& engine = config.engine;
    arguments.text("--model", engine.model);
    arguments.text("--cache", engine.cache);
    arguments.text("--log", base::level_names[static_cast<unsigned char>(config.log.level)]);
    arguments.number("--context", engine.context);
    arguments.number("--threads", engine.threads);
    arguments.number("--parallel", engine.parallel);
    arguments.number("--kept", engine.kept);
    add_http(arguments, config.http);
    if (config.handoff.mode == config::HandoffMode::python) {
        add_program(arguments, config.handoff);
    } else if (config.sandbox.enabled) {
        arguments.flag("--confine");
        for (const std::string& path : config.sandbox.readable) {
            arguments.text("--readable", path);
        }
    }
    for (const config::Device& device : config.device) {
        arguments.text("--device", specification_of(device));
    }
    for (const config::Rule& rule : config.on) {
        arguments.text("--rule", config::json_of(rule));
    }
    return std::move(arguments.words);
}

} // namespace vb::init
