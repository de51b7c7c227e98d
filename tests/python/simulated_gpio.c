/* A GPIO chip that is not there, for programs that this is preloaded into: one chip with 4 lines, the last of which is
 * called LED. A line that is opened with edges has two of them at once, and two that were lost between. */
#include <errno.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int kernel_end = -1; /* of the line that was opened last */
static unsigned long long value;

static int open_line(struct gpio_v2_line_request* request) {
    const unsigned long long edges = GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING;
    struct gpio_v2_line_event events[2];
    int ends[2];
    memset(events, 0, sizeof events);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) { return -1; }
    request->fd = ends[0];
    kernel_end = ends[1];
    value = request->config.num_attrs > 0 ? request->config.attrs[0].attr.values : 0;
    if ((request->config.flags & edges) == 0) { return 0; }
    events[0].id = GPIO_V2_LINE_EVENT_RISING_EDGE;
    events[0].timestamp_ns = 1000000000;
    events[0].line_seqno = 1;
    events[1].id = GPIO_V2_LINE_EVENT_FALLING_EDGE;
    events[1].timestamp_ns = 2500000000;
    events[1].line_seqno = 4;
    return write(kernel_end, events, sizeof events) == (ssize_t)sizeof events ? 0 : -1;
}

int ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    void* argument;
    va_start(arguments, request);
    argument = va_arg(arguments, void*);
    va_end(arguments);
    switch (request) {
    case GPIO_GET_CHIPINFO_IOCTL:
        strcpy(((struct gpiochip_info*)argument)->label, "soc");
        ((struct gpiochip_info*)argument)->lines = 4;
        return 0;
    case GPIO_V2_GET_LINEINFO_IOCTL:
        if (((struct gpio_v2_line_info*)argument)->offset == 3) {
            strcpy(((struct gpio_v2_line_info*)argument)->name, "LED");
        }
        return 0;
    case GPIO_V2_GET_LINE_IOCTL:
        return open_line(argument);
    case GPIO_V2_LINE_GET_VALUES_IOCTL:
        ((struct gpio_v2_line_values*)argument)->bits = value;
        return 0;
    case GPIO_V2_LINE_SET_VALUES_IOCTL:
        value = ((struct gpio_v2_line_values*)argument)->bits;
        return 0;
    default:
        return (int)syscall(SYS_ioctl, fd, request, argument);
    }
}
