// Which web pages may use the server through a browser: by default none but its own. A browser tells the origin of the
// page that asks; what it does with our answer is its part.
#pragma once

#include "http/exchange.h"

#include <string>
#include <string_view>
#include <vector>

namespace vb::http {

class Origins {
  public:
    // `refuses_foreign`: where there is no key and only this machine can connect, what comes from another's page is not
    // answered at all. Such a page reaches us by a name that it has made to mean this machine.
    Origins(std::vector<std::string> allowed, bool refuses_foreign)
        : allowed_(std::move(allowed)), refuses_foreign_(refuses_foreign) {}

    // False: the exchange has its reply.
    [[nodiscard]] bool admit(Exchange& exchange) const;

    // As a browser writes it: "https://example.org:8443".
    static bool is_origin(std::string_view text) noexcept;

  private:
    const std::vector<std::string> allowed_;
    const bool refuses_foreign_;
};

} // namespace vb::http
