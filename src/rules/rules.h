// [[on]]: neural interrupts. What happens at a device becomes a question to the model, and its answer an action, without a
// line of code. Opens the devices, as soon as they are there, and joins each rule to its own.
// It must never keep the machine from serving: a device that is missing or fails is a line of the journal. Belongs to the
// event loop's thread.
#pragma once

#include "rules/active_rule.h"
#include "rules/arrivals.h"

#include <memory>
#include <set>
#include <vector>

namespace vb::rules {

class Rules {
  public:
    Rules(const Surroundings& surroundings, std::vector<config::Rule> rules, Devices::Specifications devices);
    ~Rules();
    Rules(const Rules&) = delete;
    Rules& operator=(const Rules&) = delete;

    // Watches the devices that are there.
    void begin();
    // There is a model that can be asked.
    void engine_ready();
    // No more questions and actions.
    void end();

  private:
    void look();
    void start(ActiveRule& rule);
    void open_written(const config::Rule& rule);
    void lose(const std::string& device);

    const Surroundings surroundings_;
    bool has_ended_ = false;
    Arrivals arrivals_;
    Devices devices_;
    std::vector<std::shared_ptr<ActiveRule>> rules_;
    std::set<std::string> unwatched_; // rules of which it was said that they wait
    std::set<std::string> missing_;   // devices to be written to, of which the same was said
};

} // namespace vb::rules
