// What every request passes before it is answered: is the page that sends it allowed, does it show a key, whose is it.
#pragma once

#include "http/api_keys.h"
#include "http/origins.h"

#include <functional>
#include <utility>

namespace vb::http {

class Entrance {
  public:
    using Handler = std::function<void(Exchange&)>;

    // `keys` may be null, where nobody needs one; it outlives the entrance.
    Entrance(Handler inside, Origins origins, const ApiKeys* keys)
        : inside_(std::move(inside)), origins_(std::move(origins)), keys_(keys) {}

    // False: the exchange has its reply.
    [[nodiscard]] bool admit(Exchange& exchange) const;
    void handle(Exchange& exchange) const;

  private:
    bool knows_client(Exchange& exchange) const;

    const Handler inside_;
    const Origins origins_;
    const ApiKeys* const keys_;
};

} // namespace vb::http
