// One [[service]]: its process, and where it stands. What a death means is the Supervisor's to say, when to start
// and to stop it Services'; this does it. All that is allocated is allocated when it is made.
#pragma once

#include "config/service.h"
#include "control/commands.h"
#include "init/accounts.h"
#include "init/cgroup.h"
#include "init/environment.h"
#include "init/notification.h"
#include "init/output.h"
#include "init/supervisor.h"

#include <vector>

namespace vb::init {

class Service {
  public:
    using State = control::UnitState;

    class Observer {
      public:
        // It has come into another state.
        virtual void changed(const Service& service) noexcept = 0;

      protected:
        ~Observer() = default;
    };

    // What all services share. Outlives them.
    struct Surroundings {
        sys::Kernel& kernel;
        const base::Log& log;
        int poll;
        char** environment;             // what PID 1 was given
        std::string_view notify_socket; // where READY=1 goes
        bool has_cgroups;
        Observer* observer; // may be null
    };

    Service(const Surroundings& surroundings, config::Service configured) noexcept;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    // Binds its sockets; once, before it is first started.
    base::Result<> bind_sockets() noexcept;
    void close_sockets() noexcept;
    void start() noexcept;
    // Asks it to end; a second time does not wait. `again`: and starts it after that.
    void stop(bool again = false) noexcept;

    void died(int wait_status) noexcept;
    void notified(const Notification& notification) noexcept;
    // Whether `fd` was its output or its readiness descriptor.
    bool readable(int fd) noexcept;
    void check_deadline(base::Nanoseconds now) noexcept;
    std::optional<base::Nanoseconds> deadline() const noexcept { return deadline_; }

    const config::Service& configured() const noexcept { return configured_; }
    State state() const noexcept { return state_; }
    pid_t process() const noexcept { return supervisor_.process(); }
    // Those that come after it need not wait any longer.
    bool is_settled() const noexcept {
        return state_ == State::ready || state_ == State::stopped || state_ == State::failed;
    }
    bool is_running() const noexcept { return supervisor_.process() != 0; }
    base::Nanoseconds since() const noexcept { return since_; }
    std::uint32_t restarts() const noexcept { return restarts_; }
    std::string_view status() const noexcept { return status_; }
    std::string_view last_end() const noexcept { return last_end_; }
    std::optional<std::uint64_t> memory() const noexcept { return cgroup_.memory(surroundings_.kernel); }

  private:
    base::Result<pid_t> spawn() noexcept;
    // `joined` gets what `confinement` refers to.
    base::Result<> confine(sys::Confinement& confinement, base::UniqueFd& joined) noexcept;
    void become_ready() noexcept;
    void set_account(const Account& account) noexcept;
    void put_configured_variables() noexcept;
    void enter(State state) noexcept;
    void follow(const Verdict& verdict) noexcept;
    bool should_restart(int wait_status) const noexcept;

    const Surroundings& surroundings_;
    const config::Service configured_;
    Supervisor supervisor_;
    Environment environment_;
    Cgroup cgroup_;
    std::vector<const char*> arguments_; // ends with a null pointer
    std::vector<sys::ResourceLimit> limits_;
    std::vector<base::UniqueFd> sockets_;
    std::vector<int> inherited_; // the sockets, then the write end of the readiness pipe
    char* process_id_slot_ = nullptr;
    Output output_;
    base::UniqueFd ready_;

    State state_ = State::waiting;
    base::Nanoseconds since_{};
    std::optional<base::Nanoseconds> deadline_; // of the restart, or of the patience with a stop
    bool starts_again_ = false;
    std::uint32_t restarts_ = 0;
    base::Text<127> status_;
    base::Text<63> last_end_;
};

} // namespace vb::init
