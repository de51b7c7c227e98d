#include "init/accounts.h"

namespace vb::init {

namespace {

using base::take_until;

constexpr std::size_t largest_file = 131072;

bool has_member(std::string_view members, std::string_view name) noexcept {
    while (!members.empty()) {
        if (take_until(members, ',') == name) { return true; }
    }
    return false;
}

// "name:password:uid:gid:comment:home:shell": passwd(5).
bool find_user(std::string_view passwd, std::string_view wanted, Account& account) noexcept {
    uid_t number = 0;
    const bool is_number = base::parse_number(wanted, number);
    while (!passwd.empty()) {
        std::string_view line = take_until(passwd, '\n');
        const std::string_view candidate = take_until(line, ':');
        take_until(line, ':');
        uid_t user = 0;
        gid_t group = 0;
        if (!base::parse_number(take_until(line, ':'), user) ||
            !base::parse_number(take_until(line, ':'), group)) {
            continue;
        }
        if (is_number ? user != number : candidate != wanted) { continue; }
        account.identity.user = user;
        account.identity.group = group;
        account.name = candidate;
        take_until(line, ':');
        account.home = take_until(line, ':');
        return true;
    }
    if (!is_number) { return false; }
    account.identity.user = number; // one that nobody has named
    account.identity.group = number;
    return true;
}

// "name:password:gid:member,member": group(5).
bool find_groups(std::string_view file, std::string_view wanted, std::string_view member,
                 sys::Identity& identity) noexcept {
    bool found = wanted.empty() || base::parse_number(wanted, identity.group);
    while (!file.empty()) {
        std::string_view line = take_until(file, '\n');
        const std::string_view candidate = take_until(line, ':');
        take_until(line, ':');
        gid_t group = 0;
        if (!base::parse_number(take_until(line, ':'), group)) { continue; }
        if (!found && candidate == wanted) {
            identity.group = group;
            found = true;
        }
        const bool fits = identity.more_count < std::size(identity.more_groups);
        if (fits && !member.empty() && has_member(line, member)) {
            identity.more_groups[identity.more_count++] = group;
        }
    }
    return found;
}

} // namespace

base::Result<Account> find_account(sys::Kernel& kernel, std::string_view user,
                                   std::string_view group) noexcept {
    Account account;
    char buffer[largest_file];
    if (!user.empty()) {
        const auto passwd = kernel.read_file("/etc/passwd", buffer);
        if (!find_user(passwd.value_or(""), user, account)) {
            return base::failure("find the user", user, "expected a number or a name in /etc/passwd");
        }
    }
    const auto groups = kernel.read_file("/etc/group", buffer);
    if (!find_groups(groups.value_or(""), group, account.name, account.identity)) {
        return base::failure("find the group", group, "expected a number or a name in /etc/group");
    }
    return account;
}

} // namespace vb::init
