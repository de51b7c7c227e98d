// Init's way from what is set up to what runs. A step that has to wait for a child is gone on with when that ends.
#include "init/init.h"
#include "init/machine.h"
#include "init/mounts.h"
#include "init/network.h"

namespace vb::init {

void Init::boot() noexcept {
    while (stage_ != Stage::running) {
        switch (stage_) {
        case Stage::begin:
            stage_ = Stage::mounts;
            if (config_.machine.break_at == config::Break::early && start_shell()) { return; }
            break;
        case Stage::mounts:
            stage_ = Stage::last;
            if (start_mounts()) { return; } // the model may be on one of them
            break;
        case Stage::last:
            stage_ = Stage::running;
            if (config_.machine.break_at == config::Break::runtime) {
                bring_up();
                if (!start_shell()) { start_child(); }
            } else {
                start_child(); // the rest happens while it loads the model
                bring_up();
            }
            break;
        case Stage::running:
            break;
        }
    }
    kernel_.drop_program_pages();
}

bool Init::start_mounts() noexcept {
    if (config_.mount.empty()) { return false; }
    const auto run = [](const void* argument) noexcept {
        const auto* const init = static_cast<const Init*>(argument);
        return mount_configured(init->kernel_, init->log_, init->config_.mount);
    };
    const auto child = kernel_.spawn_task({.name = "mounts", .run = run, .argument = this});
    if (!child) {
        log_.error("nothing is mounted: ", base::describe(child.error()));
        return false;
    }
    mounting_ = *child;
    return true;
}

void Init::bring_up() noexcept {
    journal_.start_writer();
    if (setup_.place == Place::machine) {
        start_network(kernel_, log_, setup_.ip_word.empty() ? config_.machine.ip : setup_.ip_word);
        set_hostname(kernel_, log_, config_.machine);
        set_parameters(kernel_, log_, config_.sysctl);
        watch_devices();
    }
    if (!config_.service.empty()) { start_services(); }
}

void Init::watch_devices() noexcept {
    module_options_.releases = config_.machine.modules.c_str();
    if (has_own_nodes(kernel_)) { hotplug_.keep_nodes(); }
    if (auto opened = hotplug_.open(); !opened) {
        log_.warning("no modules are loaded for devices: ", base::describe(opened.error()));
        open_watchdog();
        return;
    }
    if (auto watched = kernel_.watch(poll_.get(), hotplug_.fd()); !watched) {
        log_.warning(base::describe(watched.error()));
    }
}

void Init::open_watchdog() noexcept {
    if (!watchdog_.is_open() && !config_.watchdog.device.empty()) { watchdog_.open(); }
}

void Init::start_services() noexcept {
    const trace::Span span(timeline_, "init: services");
    prepare_services();
    services_.configure(config_.service);
    services_.advance();
}

// What services share, before the first of them; that may also be one that a reload brings.
void Init::prepare_services() noexcept {
    if (surroundings_.poll >= 0) { return; }
    surroundings_.poll = poll_.get();
    if (!notify_) {
        if (const auto opened = open_notifications(); !opened) {
            log_.warning("services cannot say that they are ready: ", base::describe(opened.error()));
        }
    }
    surroundings_.notify_socket = notify_name_;
    // In a container the tree of groups is somebody else's.
    surroundings_.has_cgroups = setup_.place == Place::machine && prepare_cgroups(kernel_);
}

} // namespace vb::init
