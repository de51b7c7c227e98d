#include "rules/rules.h"

namespace vb::rules {

namespace {

std::set<std::string> written_devices(const std::vector<config::Rule>& rules) {
    std::set<std::string> written;
    for (const config::Rule& rule : rules) {
        if (rule.write) { written.insert(rule.written_device()); }
    }
    return written;
}

} // namespace

Rules::Rules(const Surroundings& surroundings, std::vector<config::Rule> rules,
             Devices::Specifications devices)
    : surroundings_(surroundings),
      arrivals_(surroundings.loop, surroundings.log, devices, [this] { look(); }),
      devices_(std::move(devices), written_devices(rules)) {
    for (config::Rule& rule : rules) {
        auto lost = [this, device = rule.device] {
            // Not from within the source that says so, which ends here.
            surroundings_.mailbox.post([this, device] { lose(device); });
        };
        rules_.push_back(
            std::make_shared<ActiveRule>(surroundings_, std::move(rule), devices_, std::move(lost)));
    }
}

Rules::~Rules() { end(); }

void Rules::begin() { look(); }

void Rules::engine_ready() {
    for (const auto& rule : rules_) {
        rule->engine_ready();
    }
}

void Rules::end() {
    has_ended_ = true;
    for (const auto& rule : rules_) {
        rule->end();
    }
}

void Rules::look() {
    if (has_ended_) { return; }
    for (const std::string& name : devices_.gone()) {
        lose(name);
    }
    for (const auto& rule : rules_) {
        if (!rule->is_watching()) { start(*rule); }
        if (rule->rule().write) { open_written(rule->rule()); }
    }
}

void Rules::start(ActiveRule& rule) {
    const std::string& name = rule.rule().device;
    std::shared_ptr<OpenDevice> device;
    base::Result<> watching;
    if (!name.empty()) {
        auto opened = devices_.open(name);
        if (opened) {
            device = *std::move(opened);
        } else {
            watching = std::unexpected(opened.error());
        }
    }
    if (watching) { watching = rule.watch(std::move(device)); }
    if (watching) {
        unwatched_.erase(rule.rule().name);
        if (rule.rule().event == config::RuleEvent::attached) { rule.occurred({}); }
        return;
    }
    if (!unwatched_.insert(rule.rule().name).second) { return; } // it has been said
    surroundings_.log.warning(rule.rule().name,
                              ": waits for its device: ", base::describe(watching.error()).view());
}

// That one is missing is to be known before it is needed.
void Rules::open_written(const config::Rule& rule) {
    const std::string& name = rule.written_device();
    const auto opened = devices_.open(name);
    if (opened) {
        missing_.erase(name);
    } else if (missing_.insert(name).second) {
        surroundings_.log.warning(rule.name,
                                  ": waits for its device: ", base::describe(opened.error()).view());
    }
}

void Rules::lose(const std::string& device) {
    if (has_ended_ || !devices_.is_open(device)) { return; }
    surroundings_.log.warning("device ", device, " is gone");
    for (const auto& rule : rules_) {
        if (rule->rule().device != device || !rule->is_watching()) { continue; }
        rule->stop_watching();
        if (rule->rule().event == config::RuleEvent::detached) { rule->occurred({}); }
    }
    devices_.forget(device);
}

} // namespace vb::rules
