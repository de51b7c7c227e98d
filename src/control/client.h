// The other end of the control socket, for vbctl: one call at a time, each with an answer within ten seconds or an
// error that says what is wrong.
#pragma once

#include "base/unique_fd.h"
#include "control/commands.h"

#include <functional>
#include <string>
#include <vector>

namespace vb::control {

enum class Trouble : unsigned char {
    unreachable,   // nobody listens on the socket
    not_permitted, // neither root, nor the user of vector_boot, nor in its group
    no_such_unit,
    refused, // understood, and not done
    broken,  // no answer, or none that makes sense
};

struct ClientError {
    Trouble trouble = Trouble::broken;
    std::string text; // for a person
};

template <class Value>
using ClientResult = std::expected<Value, ClientError>;

struct Report {
    Overview overview;
    std::vector<Unit> units;
    std::string json; // as it came
};

class Client {
  public:
    static ClientResult<Client> connect(const std::string& path);

    ClientResult<Report> status();
    ClientResult<void> start(std::string_view unit) { return call_with("Start", "unit", unit); }
    ClientResult<void> stop(std::string_view unit) { return call_with("Stop", "unit", unit); }
    ClientResult<void> restart(std::string_view unit) { return call_with("Restart", "unit", unit); }
    ClientResult<std::vector<std::string>> reload();
    ClientResult<void> end(Ending ending);
    ClientResult<void> set_log_level(std::string_view level) {
        return call_with("SetLogLevel", "level", level);
    }
    // Calls `visit` with every unit, and then with each change and its JSON, until it says false.
    ClientResult<void> watch(const std::function<bool(const Unit&, std::string_view)>& visit);

  private:
    struct Reply {
        std::string parameters; // JSON
        bool continues = false;
    };

    explicit Client(base::UniqueFd socket) noexcept : socket_(std::move(socket)) {}

    ClientResult<Reply> call(std::string_view method, std::string_view parameters = "{}");
    ClientResult<void> call_with(std::string_view method, std::string_view name, std::string_view value);
    ClientResult<void> send(std::string_view method, std::string_view parameters, bool more);
    ClientResult<Reply> receive();
    ClientResult<std::string> receive_message();

    base::UniqueFd socket_;
    std::string received_; // beyond the last message
};

} // namespace vb::control
