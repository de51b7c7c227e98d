// Any bytes as what PID 1 reads from others: the kernel command line, an ip= word, a notification, an
// address. Views stay within what they view.
#include "config/kernel_words.h"
#include "init/network.h"
#include "init/notification.h"
#include "sys/socket_address.h"

#include <cstdint>
#include <cstdlib>
#include <functional>

namespace {

// Where both ends are compared as pointers of one allocation, whatever they are.
void expect_within(std::string_view part, std::string_view whole) {
    const std::less_equal<const char*> at_most;
    if (part.empty()) { return; }
    if (!at_most(whole.data(), part.data()) ||
        !at_most(part.data() + part.size(), whole.data() + whole.size())) {
        std::abort();
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vb;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const config::KernelWords words = config::parse_kernel_words(text);
    for (const std::string_view view : {words.config, words.model, words.handoff, words.log, words.ip}) {
        expect_within(view, text);
    }
    config::Config config;
    (void)config::apply(words, config);
    if (config.handoff.mode != config::HandoffMode::worker || config.engine.model.empty()) { std::abort(); }

    const init::Notification notification = init::parse_notification(text);
    expect_within(notification.status, text);
    if (notification.main_process < 0 || notification.error_number < 0) { std::abort(); }
    for (const auto time : {notification.watchdog_interval, notification.more_time}) {
        if (time && *time < vb::base::Nanoseconds{}) { std::abort(); }
    }
    const auto interface = init::parse_ip_word(text);
    if (interface && interface->name.empty()) { std::abort(); }
    const auto address = sys::parse_socket_address(text);
    if (address && (address->length == 0)) { std::abort(); }
    return 0;
}
