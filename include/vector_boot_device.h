/** @file
 * Devices that a program drives itself: registers, interrupts, memory for DMA. vector_boot.h says what a status is, who
 * owns what, and how options are given.
 *
 * - vb_device: opened by a line of text, or by its name in config.toml.
 * - vb_region: registers or memory, mapped; each access is checked and happens in its whole width.
 * - vb_interrupt: counts, and is a descriptor for an event loop.
 * - vb_poll: a register that is read with a period, and wakes the loop for changes only.
 * - vb_dma: memory that the device reads and writes by itself.
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

/** @} */

#ifdef __cplusplus
}
#endif

#endif
