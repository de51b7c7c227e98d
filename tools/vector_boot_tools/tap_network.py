"""The network between this process and a virtual machine: a tap device in a network namespace of our own.

Entering is for good: the process keeps the sockets that it opened before, and opens all later ones in there.
Nothing is left on the host when the process ends.
"""

import os
import subprocess

from .failure import Failure

DEVICE = "tap0"
HOST = "10.0.2.2"
GUEST = "10.0.2.15"
NETMASK = "255.255.255.0"
GUEST_MAC = "02:76:62:00:00:15"  # locally administered, and known here: no ARP before the first packet


def enter() -> None:
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise Failure("/dev/net/tun cannot be opened: the virtual machine's network needs it (read and write)")
    os.unshare(os.CLONE_NEWNET)
    batch = (
        "link set lo up",
        f"tuntap add dev {DEVICE} mode tap",
        f"address add {HOST}/24 dev {DEVICE}",
        f"link set {DEVICE} up",
        f"neighbour add {GUEST} lladdr {GUEST_MAC} nud permanent dev {DEVICE}",
    )
    made = subprocess.run(
        ["ip", "-batch", "-"], input="\n".join(batch), capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise Failure(f"ip could not make the tap device: {made.stderr.strip()}")
