// PID 1: binds the sockets, has the model read ahead, starts the runtime, and then stays in one epoll loop:
// reaps, restarts, and ends in order.
// It must never exit or fault while it is PID 1 of a machine, never block on anything but epoll, never link
// or touch a model, or data from the network. Nothing in the loop allocates.
#pragma once

#include "base/log.h"
#include "config/config.h"
#include "control/server.h"
#include "device/hotplug.h"
#include "init/disks.h"
#include "init/environment.h"
#include "init/journal.h"
#include "init/notification.h"
#include "init/output.h"
#include "init/place.h"
#include "init/services.h"
#include "init/shutdown.h"
#include "init/supervisor.h"
#include "init/watchdog.h"
#include "sys/kernel.h"
#include "trace/timeline.h"

namespace vb::init {

// Where the configuration comes from, to read it again.
class ConfigurationSource {
  public:
    virtual base::Result<config::Config> read() noexcept = 0;

  protected:
    ~ConfigurationSource() = default;
};

struct Setup {
    Place place = Place::process;
    std::string_view version;
    ConfigurationSource* source = nullptr;
    journal::Ring* ring = nullptr; // where lines of the log go; null: nowhere
    const char* runtime = "";      // path of vector_boot-runtime
    std::string_view ip_word;      // of the kernel command line
    char** environment = nullptr;  // what this process was given
};

class Init final : private control::Commands, private Service::Observer {
  public:
    // `signals` are those of Kernel::open_signals(), opened before anything could be lost.
    // All references outlive the object.
    Init(sys::Kernel& kernel, trace::Timeline& timeline, base::Log& log, config::Config config,
         const Setup& setup, sys::Kernel::Signals signals) noexcept;

    // Sockets, read-ahead, the descriptors of the loop: all that can fail for good.
    base::Result<> set_up() noexcept;
    // Starts the main child and stays until the end. Returns the exit status of a container or process;
    // a machine powers off, reboots or halts in here.
    int run() noexcept;

  private:
    // How far the boot has come: what is to be done next.
    enum class Stage : unsigned char { begin, mounts, last, running };
    enum class Ending : unsigned char { exit, halt, poweroff, reboot };
    // What somebody wants of the main child that is ending.
    enum class Request : unsigned char { none, stop, restart };

    base::Result<> bind_sockets() noexcept;
    base::Result<> open_notifications() noexcept;
    void publish() noexcept;
    void prepare_child() noexcept;
    void set_runtime_arguments() noexcept;
    // Of the main child; the cache is made its user's.
    base::Result<sys::Confinement> confine_main() noexcept;
    const char* journal_directory() const noexcept;
    void start_child() noexcept;
    void boot() noexcept;
    bool start_mounts() noexcept;
    void bring_up() noexcept;
    void watch_devices() noexcept;
    void open_watchdog() noexcept;
    void start_services() noexcept;
    void prepare_services() noexcept;
    bool start_shell() noexcept;
    base::Nanoseconds patience_with_main() const noexcept;
    void kill_main(base::Level level, std::string_view why) noexcept;
    void give_up() noexcept;
    void follow(const Verdict& verdict) noexcept;

    void dispatch(int fd) noexcept;
    void handle_signal(const sys::Signal& signal) noexcept;
    void handle_ctrl_alt_del() noexcept;
    void handle_deaths() noexcept;
    void reap_children() noexcept;
    void handle_death(const sys::Death& death) noexcept;
    void handle_notification() noexcept;
    void handle_deadlines() noexcept;
    void arm_timer() noexcept;

    void stop(Ending ending) noexcept;
    void end(int status) noexcept;
    int own_status(int status) const noexcept;
    int finish() noexcept;
    void wait_for_disks() noexcept;
    void leave_machine() noexcept;

    // In control.cpp.
    void open_control() noexcept;
    control::Overview overview() noexcept override;
    std::size_t unit_count() noexcept override;
    control::Unit unit(std::size_t index) noexcept override;
    control::Answer start(std::string_view unit) noexcept override;
    control::Answer stop(std::string_view unit) noexcept override;
    control::Answer restart(std::string_view unit) noexcept override;
    control::Answer reload(control::UnitNames& changed) noexcept override;
    control::Answer end(control::Ending ending) noexcept override;
    control::Answer set_log_level(base::Level level) noexcept override;
    void changed(const Service& service) noexcept override;
    control::UnitState main_state() const noexcept;
    control::Unit main_unit() noexcept;
    control::Unit unit_of(const Service& service) noexcept;
    std::string_view main_name() const noexcept { return runs_command() ? "command" : "runtime"; }
    void publish_main() noexcept;
    void ask_main_to_end(Request request) noexcept;
    void main_ended_as_asked() noexcept;

    bool runs_program() const noexcept { return config_.handoff.mode == config::HandoffMode::python; }
    bool runs_command() const noexcept { return config_.handoff.mode == config::HandoffMode::exec; }

    sys::Kernel& kernel_;
    trace::Timeline& timeline_;
    base::Log& log_;
    config::Config config_;
    Setup setup_;
    const base::Nanoseconds began_;
    base::Text<107> notify_name_;
    Service::Surroundings surroundings_; // of the services
    Supervisor supervisor_;
    Services services_;
    Journal journal_;
    Output main_output_;
    Shutdown shutdown_;
    Disks disks_;
    Watchdog watchdog_;
    Heartbeat heartbeat_; // the runtime's
    device::ModuleOptions module_options_;
    device::Hotplug hotplug_;
    Environment environment_;
    control::Server control_;

    sys::Kernel::Signals signals_;
    base::UniqueFd poll_;
    base::UniqueFd timer_;
    base::UniqueFd notify_;
    base::UniqueFd http_;
    std::optional<base::Nanoseconds> armed_;
    std::optional<base::Nanoseconds> restart_at_;
    std::optional<base::Nanoseconds> kill_at_; // when the main child that was asked to end has had its time
    std::optional<base::Nanoseconds> boot_time_;
    Request request_ = Request::none;
    control::UnitState published_state_ = control::UnitState::waiting;
    base::Nanoseconds main_since_;
    base::Text<255> main_status_;
    base::Text<63> main_last_end_;
    std::uint32_t restarts_ = 0;
    std::optional<std::uint32_t> landlock_abi_; // the runtime's word, given before it has seen a model

    std::vector<const char*> arguments_; // ends with a null pointer
    std::vector<std::string> words_;     // that arguments_ refers to
    char* process_id_slot_ = nullptr;

    Stage stage_ = Stage::begin;
    pid_t mounting_ = 0;
    pid_t shell_ = 0;
    Ending ending_ = Ending::exit;
    int status_ = 0;
};

} // namespace vb::init
