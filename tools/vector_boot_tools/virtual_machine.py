"""A real kernel as an ordinary process: User-Mode Linux in a sandbox, its root a folder there (hostfs)."""

import contextlib
import os
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path

from . import tap_network
from .failure import Failure
from .sandbox import Root, Sandbox

KERNEL = "/usr/bin/linux.uml"
MACHINE = "machine"  # names the console's directory
CONSOLE_FOLDER = "/tmp/uml"
GUEST = "/guest"  # the guest's root, in the sandbox

# What the kernel's own process needs around it. The guest's memory is a file in /dev/shm, so that must be in memory,
# and bubblewrap's /dev is.
HOST_SIDE = (
    "--ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp "
    f"--dir /root --dir {CONSOLE_FOLDER} --dev-bind /dev/net/tun /dev/net/tun"
).split()


STATIC_ADDRESS = f"ip={tap_network.GUEST}::{tap_network.HOST}:{tap_network.NETMASK}::vec0:off"


def kernel_words(init: str, *, memory: str = "1G", extra: Sequence[str] = ()) -> list[str]:
    return [
        f"mem={memory}",
        "root=/dev/root",
        "rootfstype=hostfs",
        f"rootflags={GUEST}/",
        "rw",
        f"init={init}",
        "con=null",
        "con0=fd:0,fd:1",
        "panic=-1",
        "quiet",
        "seccomp=on",
        f"vec0:transport=tap,ifname={tap_network.DEVICE},depth=64,mac={tap_network.GUEST_MAC}",
        f"uml_dir={CONSOLE_FOLDER}",
        f"umid={MACHINE}",
        *extra,
    ]


class VirtualMachine(Sandbox):
    """The process must be in the tap network already (tap_network.enter)."""

    def __init__(
        self,
        root: Root,
        init: str,
        *,
        memory: str = "1G",
        words: Sequence[str] = (),
        disk: Path | None = None,  # an image: the guest's /dev/ubda
        static_address: bool = True,
        output: int | None = None,
        stamped: bool = False,
    ) -> None:
        host_side = [*HOST_SIDE]
        if disk is not None:
            host_side += ["--bind", str(disk), "/disk"]
            words = [*words, "ubd0=/disk"]
        if static_address:
            words = [*words, STATIC_ADDRESS]
        super().__init__(
            root,
            [KERNEL, *kernel_words(init, memory=memory, extra=words)],
            at=GUEST,
            more=host_side,
            as_pid_1=False,
            # With fewer, each execve gains some, which switches address randomisation back on, and the kernel,
            # which executes itself again to have it off, does so for ever.
            capabilities=None,
            environment={"TMPDIR": "/dev/shm", "HOME": "/root"},
            output=output,
            stamped=stamped,
        )

    def ctrl_alt_del(self) -> None:
        """Presses the keys: what the guest's init makes of it is its configuration."""
        answer = self._console_command("cad")
        if answer:
            raise Failure(f"the virtual machine's console refused 'cad': {answer}")

    def _console_command(self, command: str) -> str:
        """One command of UML's management console (mconsole); returns the error text, empty when it succeeded."""
        request = struct.pack("=III512s", 0xCAFEBABE, 2, len(command) + 1, command.encode())
        path = f"/proc/{self.pid}/root{CONSOLE_FOLDER}/{MACHINE}/mconsole"
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as console:
            console.bind("")  # an address to answer to, chosen by the kernel
            console.settimeout(5)
            try:
                console.sendto(request, path)
                reply = console.recv(4096)
            except OSError as error:
                raise Failure(f"the virtual machine's console {path} does not answer: {error}") from error
        failed, _more, length = struct.unpack_from("=III", reply)
        text = reply[12 : 12 + length].rstrip(b"\0").decode(errors="replace")
        return text or "no reason given" if failed else ""
