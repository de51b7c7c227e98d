// Users and groups by name, from /etc/passwd and /etc/group: a static program has no name service.
#pragma once

#include "sys/kernel.h"

namespace vb::init {

struct Account {
    sys::Identity identity;
    base::Text<63> name; // empty for root, and for a number that nobody has named
    base::Text<127> home;
};

// `user` and `group` are names or numbers; an empty user is root, an empty group the user's own. The user is also
// given the groups that name it.
base::Result<Account> find_account(sys::Kernel& kernel, std::string_view user,
                                   std::string_view group) noexcept;

} // namespace vb::init
