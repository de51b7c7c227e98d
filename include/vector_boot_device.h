/** @file
 * Devices that a program drives itself: registers, interrupts, memory for DMA; GPIO lines, keys; which devices come and go.
 * vector_boot.h says what a status is, who owns what, and how options are given.
 *
 * - vb_device: opened by a line of text, or by its name in config.toml.
 * - vb_region: registers or memory, mapped; each access is checked and happens in its whole width.
 * - vb_interrupt: counts, and is a descriptor for an event loop.
 * - vb_poll: a register that is read with a period, and wakes the loop for changes only.
 * - vb_dma: memory that the device reads and writes by itself.
 * - vb_gpio, vb_input: a GPIO line; keys, buttons, switches and axes.
 * - vb_uevents: which devices come and go.
 *
 * A device that is gone is VB_ERROR_DEVICE of that call. For this the first access installs handlers of SIGBUS and
 * SIGSEGV, which pass on what is not theirs. Any thread may use a device and its regions; of the others, one at a time.
 * The parts stay usable when the device is freed. */
#ifndef VECTOR_BOOT_DEVICE_H
#define VECTOR_BOOT_DEVICE_H

#include "vector_boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup devices Devices
 * @{ */

typedef struct vb_device vb_device;       /**< a device that is open */
typedef struct vb_region vb_region;       /**< registers or memory of it, mapped */
typedef struct vb_interrupt vb_interrupt; /**< counts its interrupts */
typedef struct vb_poll vb_poll;           /**< a register that is read with a period */
typedef struct vb_dma vb_dma;             /**< memory that it reads and writes by itself */

/** Opens a device. "file:/path[?interrupt=/fifo]" is a plain file that stands for one, each byte of the FIFO an
 * interrupt; "pci:1234:11e8" and "pci:0000:00:04.0" one on PCI, with its interrupt by UIO; "vfio:..." the same by VFIO,
 * with message-signaled interrupts and DMA; "uio:NAME" and "path:/sys/devices/..." one that has UIO. Any other word is a
 * name: of a `[[device]]` where the machine booted for this program, else of the environment variable
 * VECTOR_BOOT_DEVICE_NAME, in capitals, which holds such a text.
 * @param what  the text or the name  @param out  the device */
VB_API int32_t vb_device_open(const char* what, vb_device** out) VB_WARN_UNUSED;
/** Whether vb_device_open() would take the text, or the one that the name stands for, once the device is there: nobody asks
 * the machine. @param what  the text or the name */
VB_API int32_t vb_device_check(const char* what) VB_WARN_UNUSED;
/** Closes it. @param device  not used after this; NULL: nothing */
VB_API void vb_device_free(vb_device* device);
/** How it is found again, such as "pci:0000:00:04.0"; valid until it is freed. @param device  not NULL */
VB_API const char* vb_device_name(const vb_device* device);
/** How many regions it has. @param device  not NULL */
VB_API int32_t vb_device_region_count(const vb_device* device);
/** What its driver calls a region, "bar0"; valid until the device is freed. @param device  not NULL @param index  from 0 */
VB_API const char* vb_device_region_name(const vb_device* device, uint32_t index);
/** Maps a region. @param device  not NULL @param index  from 0 @param out  the region */
VB_API int32_t vb_device_map(vb_device* device, uint32_t index, vb_region** out) VB_WARN_UNUSED;
/** 1 while the kernel knows it, 0 when it is gone. @param device  not NULL */
VB_API int32_t vb_device_is_present(const vb_device* device);

/** Its size in bytes. @param region  not NULL */
VB_API size_t vb_region_size(const vb_region* region);
/** One access. @param region  not NULL @param width  1, 2, 4 or 8 bytes @param offset  a multiple of it
 * @param value  what is read */
VB_API int32_t vb_region_read(const vb_region* region, uint32_t width, size_t offset,
                              uint64_t* value) VB_WARN_UNUSED;
/** One access. @param region  not NULL @param width  1, 2, 4 or 8 bytes @param offset  a multiple of it
 * @param value  its lowest bytes are written */
VB_API int32_t vb_region_write(vb_region* region, uint32_t width, size_t offset,
                               uint64_t value) VB_WARN_UNUSED;
/** Many accesses of one width, upwards. @param region  not NULL @param width  1, 2, 4 or 8 bytes
 * @param offset  a multiple of it @param to, size  where they go; a multiple as well */
VB_API int32_t vb_region_read_block(const vb_region* region, uint32_t width, size_t offset, void* to,
                                    size_t size) VB_WARN_UNUSED;
/** Many accesses of one width, upwards. @param region  not NULL @param width  1, 2, 4 or 8 bytes
 * @param offset  a multiple of it @param from, size  what is written; a multiple as well */
VB_API int32_t vb_region_write_block(vb_region* region, uint32_t width, size_t offset, const void* from,
                                     size_t size) VB_WARN_UNUSED;
/** Unmaps it. @param region  not used after this; NULL: nothing */
VB_API void vb_region_free(vb_region* region);
/** What was read and written before this is so for every device and thread before what comes after it. */
VB_API void vb_barrier(void);

/** Its interrupt. @param device  not NULL @param out  the interrupt, armed */
VB_API int32_t vb_device_interrupt(vb_device* device, vb_interrupt** out) VB_WARN_UNUSED;
/** VFIO's: counts when the kernel wants the device back, as it is to be unplugged. Then the device and everything of it
 * is to be freed: until then it stays. @param device  not NULL @param out  what counts */
VB_API int32_t vb_device_removal(vb_device* device, vb_interrupt** out) VB_WARN_UNUSED;
/** A descriptor that is readable while there are some. @param interrupt  not NULL */
VB_API int32_t vb_interrupt_fd(const vb_interrupt* interrupt);
/** How many came since the last time. @param interrupt  not NULL @param count  that many */
VB_API int32_t vb_interrupt_take(vb_interrupt* interrupt, uint64_t* count) VB_WARN_UNUSED;
/** Lets the next one through, once the device was told that this one was seen. @param interrupt  not NULL */
VB_API int32_t vb_interrupt_arm(vb_interrupt* interrupt) VB_WARN_UNUSED;
/** Ends it. @param interrupt  not used after this; NULL: nothing */
VB_API void vb_interrupt_free(vb_interrupt* interrupt);

/** Reads a register with a period. @param region  not NULL @param width  1, 2, 4 or 8 bytes
 * @param offset  a multiple of it @param mask  the bits that matter @param period_us  microseconds; 0: the heartbeat,
 * 100 ms @param out  the poll */
VB_API int32_t vb_region_poll(const vb_region* region, uint32_t width, size_t offset, uint64_t mask,
                              uint64_t period_us, vb_poll** out) VB_WARN_UNUSED;
/** A descriptor that is readable when the register is to be read. @param poll  not NULL */
VB_API int32_t vb_poll_fd(const vb_poll* poll);
/** Reads it if it is time to: VB_OK where it has changed, VB_AGAIN where not. @param poll  not NULL
 * @param value  the masked bits, as they were read last */
VB_API int32_t vb_poll_take(vb_poll* poll, uint64_t* value) VB_WARN_UNUSED;
/** Ends it. @param poll  not used after this; NULL: nothing */
VB_API void vb_poll_free(vb_poll* poll);

/** Memory for the device alone and this process: VFIO's. @param device  not NULL @param size  bytes, at least
 * @param mask  the bits that the device's addresses have @param out  the memory, zeroed */
VB_API int32_t vb_device_allocate(vb_device* device, size_t size, uint64_t mask, vb_dma** out) VB_WARN_UNUSED;
/** What the device is told. @param dma  not NULL */
VB_API uint64_t vb_dma_address(const vb_dma* dma);
/** What this process reads and writes. @param dma  not NULL */
VB_API void* vb_dma_data(vb_dma* dma);
/** Its size in bytes: whole pages. @param dma  not NULL */
VB_API size_t vb_dma_size(const vb_dma* dma);
/** Takes it from the device, which must have finished with it. @param dma  not used after this; NULL: nothing */
VB_API void vb_dma_free(vb_dma* dma);

/** @}
 * @defgroup lines Lines and input devices
 * @{ */

typedef struct vb_gpio vb_gpio;   /**< a GPIO line that is open */
typedef struct vb_input vb_input; /**< keys, buttons, switches and axes that are read */

/** The line became active, or inactive. */
typedef struct vb_gpio_edge {
    uint32_t struct_size; /**< set by the caller, as in VB_GPIO_EDGE_INIT */
    int32_t is_rising;    /**< 1: it became active; 0: inactive */
    uint64_t time_ns;     /**< of CLOCK_MONOTONIC */
    uint32_t lost;        /**< edges before this one that nobody took in time */
    uint32_t reserved;    /**< 0 */
} vb_gpio_edge;

#define VB_GPIO_EDGE_INIT {sizeof(vb_gpio_edge), 0, 0, 0, 0} /**< to be filled */

/** What was pressed, let go of or moved. The numbers are those of linux/input-event-codes.h. */
typedef struct vb_input_event {
    uint32_t struct_size; /**< set by the caller, as in VB_INPUT_EVENT_INIT */
    uint16_t type;        /**< EV_KEY, EV_ABS and so on; EV_SYN ends what came together */
    uint16_t code;        /**< which key, switch or axis */
    int32_t value;        /**< of a key: 1 pressed, 0 let go of, 2 repeated */
    uint32_t reserved;    /**< 0 */
    uint64_t time_ns;     /**< of CLOCK_MONOTONIC; 0: it was asked for after the kernel had to drop events */
} vb_input_event;

#define VB_INPUT_EVENT_INIT {sizeof(vb_input_event), 0, 0, 0, 0, 0} /**< to be filled */

/** Opens a GPIO line, which is ours until it is freed. "gpio:CHIP:LINE" has the chip's name or label and the line's number
 * or name, "gpio::LINE" the line's name on whichever chip. Options follow a "?", with "&" between them: direction=output,
 * active_low=1, bias=off, pull_up or pull_down; of an input edges=rising, falling or both, and debounce=MICROSECONDS; of an
 * output value=1 and drive=open_drain or open_source. Any other word is a name, as for vb_device_open().
 * @param what  the text or the name  @param out  the line */
VB_API int32_t vb_gpio_open(const char* what, vb_gpio** out) VB_WARN_UNUSED;
/** Lets go of it. @param line  not used after this; NULL: nothing */
VB_API void vb_gpio_free(vb_gpio* line);
/** How it is found again, such as "gpio:gpiochip0:17"; valid until it is freed. @param line  not NULL */
VB_API const char* vb_gpio_name(const vb_gpio* line);
/** Reads it. @param line  not NULL @param value  1: it is active; 0: it is not */
VB_API int32_t vb_gpio_read(const vb_gpio* line, int32_t* value) VB_WARN_UNUSED;
/** Writes it, an output. @param line  not NULL @param value  not 0: active */
VB_API int32_t vb_gpio_write(vb_gpio* line, int32_t value) VB_WARN_UNUSED;
/** A descriptor that is readable when there are edges: take them all. @param line  not NULL */
VB_API int32_t vb_gpio_fd(const vb_gpio* line);
/** The next edge: VB_OK, or VB_AGAIN where there is none yet. Never waits. @param line  opened with edges
 * @param edge  filled as far as its struct_size goes */
VB_API int32_t vb_gpio_take(vb_gpio* line, vb_gpio_edge* edge) VB_WARN_UNUSED;

/** Opens an input device: "input:event3", or "input:" and what it calls itself. Any other word is a name, as for
 * vb_device_open(). @param what  the text or the name  @param out  the device */
VB_API int32_t vb_input_open(const char* what, vb_input** out) VB_WARN_UNUSED;
/** Closes it. @param input  not used after this; NULL: nothing */
VB_API void vb_input_free(vb_input* input);
/** How it is found again, such as "input:event3"; valid until it is freed. @param input  not NULL */
VB_API const char* vb_input_name(const vb_input* input);
/** A descriptor that is readable when there are events: take them all. @param input  not NULL */
VB_API int32_t vb_input_fd(const vb_input* input);
/** The next event: VB_OK, or VB_AGAIN where there is none yet. Never waits. Where the kernel had to drop events, what has
 * changed meanwhile comes as if it were one. @param input  not NULL
 * @param event  filled as far as its struct_size goes */
VB_API int32_t vb_input_take(vb_input* input, vb_input_event* event) VB_WARN_UNUSED;
/** 1 where the key is pressed, as far as was known when vb_input_take() last looked; else 0. @param input  not NULL
 * @param key  KEY_* or BTN_* */
VB_API int32_t vb_input_is_pressed(const vb_input* input, uint16_t key);
/** 1 where the switch is on, as far as was known when vb_input_take() last looked; else 0. @param input  not NULL
 * @param switch_code  SW_* */
VB_API int32_t vb_input_is_on(const vb_input* input, uint16_t switch_code);

/** @}
 * @defgroup uevents Devices that come and go
 * @{ */

typedef struct vb_uevents vb_uevents; /**< what the kernel says of its devices */

/** What the kernel says of a device. The texts are valid until the next vb_uevents_take(), and never NULL. */
typedef struct vb_uevent {
    uint32_t struct_size; /**< set by the caller, as in VB_UEVENT_INIT */
    uint32_t reserved;    /**< 0 */
    const char*
        action; /**< "add", "remove", "change", "move", "online", "offline", "bind" or "unbind"; "lost": there
                              were more than the kernel had room for, and the other texts are empty */
    const char* path;      /**< below /sys */
    const char* subsystem; /**< such as "pci" */
    const char* name;      /**< of its node below /dev; "": it has none */
} vb_uevent;

#define VB_UEVENT_INIT {sizeof(vb_uevent), 0, NULL, NULL, NULL, NULL} /**< to be filled */

/** Listens to the kernel, and to nobody else, from now on. @param out  what it says */
VB_API int32_t vb_uevents_open(vb_uevents** out) VB_WARN_UNUSED;
/** Ends it. @param uevents  not used after this; NULL: nothing */
VB_API void vb_uevents_free(vb_uevents* uevents);
/** A descriptor that is readable when there are some: take them all. @param uevents  not NULL */
VB_API int32_t vb_uevents_fd(const vb_uevents* uevents);
/** The next one: VB_OK, or VB_AGAIN where there is none yet. Never waits. @param uevents  not NULL
 * @param event  filled as far as its struct_size goes */
VB_API int32_t vb_uevents_take(vb_uevents* uevents, vb_uevent* event) VB_WARN_UNUSED;

/** @} */

#ifdef __cplusplus
}
#endif

#endif
