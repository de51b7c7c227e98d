"""What first-token compares: each a program that is executed as PID 1, or as the init of the same kernel."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vector_boot_tools import system, tap_network
from vector_boot_tools.places import INNER_CONFIG, INNER_MODEL
from vector_boot_tools.sandbox import Root, Sandbox
from vector_boot_tools.virtual_machine import VirtualMachine

LOOPBACK = "127.0.0.1"
INNER_APP = "/app/main.py"
# A program that does nothing of its own: what Python costs the first token.
SERVING_APP = "import signal, vector_boot\nvector_boot.serve()\nvector_boot.Model()\nsignal.pause()\n"
TUNED = "-fit off --no-warmup -np 1 -c 2048 --no-ui"


@dataclass(frozen=True)
class Contender:
    name: str
    host: str
    prepare: Callable[[], Sandbox]


def llama_server(host: str, port: int, flags: str = "") -> list[str]:
    return ["/usr/bin/llama-server", "-m", INNER_MODEL, "--host", host, "--port", str(port), *flags.split()]


def in_containers(model: Path, port: int, output: int, cache: Path) -> list[Contender]:
    """PID 1 of a container on the host's network, all with the same root.

    The first contender is a machine that was up before: it has a directory that stays. The second one is started by
    something that binds its socket, as systemd and container engines do. The third one starts for the first time, the
    fourth one hands over to a Python program that serves beside itself.
    """
    files = {INNER_CONFIG: system.configuration(LOOPBACK, port)}
    root = Root(model, files=files)
    again = Root(model, files=files, cache=cache)
    handoff = files[INNER_CONFIG] + f'[handoff]\nmode = "python"\napp = "{INNER_APP}"\n'
    python = Root(model, files={INNER_CONFIG: handoff, INNER_APP: SERVING_APP}, cache=cache)
    tini = ["/usr/bin/tini", "--"]

    def container(name: str, command: list[str], root: Root = root) -> Contender:
        return Contender(name, LOOPBACK, lambda: Sandbox(root, command, output=output, stamped=True))

    def prepare_with_socket() -> Sandbox:
        with socket.create_server((LOOPBACK, port), backlog=128) as listening:
            return Sandbox(again, [system.VECTOR_BOOT], output=output, stamped=True, listening=listening)

    return [
        container("vector_boot", [system.VECTOR_BOOT], again),
        Contender("vector_boot, socket passed to it", LOOPBACK, prepare_with_socket),
        container("vector_boot, its first start", [system.VECTOR_BOOT]),
        container("vector_boot, Python handoff", [system.VECTOR_BOOT], python),
        container("tini -- llama-server", tini + llama_server(LOOPBACK, port)),
        container("tini -- llama-server, tuned", tini + llama_server(LOOPBACK, port, TUNED)),
    ]


NETWORK = (
    "ip link set lo up",
    f"ip address add {tap_network.GUEST}/24 dev vec0",
    "ip link set vec0 up",
)


def in_virtual_machines(model: Path, port: int, output: int, cache: Path) -> list[Contender]:
    """init of User-Mode Linux, measured from the launch of the kernel. All llama-servers here are the tuned one."""
    server = " ".join(llama_server("0.0.0.0", port, TUNED))
    shell = Root(model, executables={"/init": shell_init(server)})
    systemd = Root(
        model,
        files=systemd_files(server),
        links={
            "/etc/systemd/system/default.target": "/usr/lib/systemd/system/multi-user.target",
            "/etc/systemd/system/systemd-random-seed.service": "/dev/null",  # would fail: /var is read-only
        },
    )

    def machine(name: str, root: Root, init: str, *words: str) -> Contender:
        def prepare() -> Sandbox:
            return VirtualMachine(root, init, words=words, output=output, stamped=True)

        return Contender(name, tap_network.GUEST, prepare)

    files = {INNER_CONFIG: system.configuration("0.0.0.0", port)}
    return [
        machine("vector_boot", Root(model, files=files, cache=cache), system.VECTOR_BOOT),
        machine("vector_boot, its first start", Root(model, files=files), system.VECTOR_BOOT),
        machine("shell init, llama-server, tuned", shell, "/init"),
        # TERM: without it systemd asks the console for its abilities, and waits for answers.
        machine("systemd, llama-server, tuned", systemd, "/usr/lib/systemd/systemd", "TERM=dumb", "systemd.show_status=0"),
    ]


def shell_init(server: str) -> str:
    return "\n".join(
        (
            "#!/bin/sh",
            "mount -t proc proc /proc",
            "mount -t sysfs sysfs /sys",
            "mount -t tmpfs tmpfs /tmp",
            "mount -t tmpfs tmpfs /run",
            *NETWORK,
            f"exec {server}",
            "",
        )
    )


def systemd_files(server: str) -> dict[str, str]:
    """The least that boots to multi-user.target: what Debian's systemd wants by itself, and the server."""
    network = "".join(f"ExecStart=/usr/sbin/{command}\n" for command in NETWORK)
    return {
        "/etc/passwd": Path("/etc/passwd").read_text(encoding="utf-8"),
        "/etc/group": Path("/etc/group").read_text(encoding="utf-8"),
        "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "/etc/hostname": "vector-boot\n",
        "/etc/systemd/system/tap-network.service": (
            f"[Unit]\nDefaultDependencies=no\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n{network}"
        ),
        "/etc/systemd/system/llama-server.service": (
            "[Unit]\nRequires=tap-network.service\nAfter=tap-network.service\n\n"
            f"[Service]\nExecStart={server}\nEnvironment=HOME=/tmp\n"
        ),
        "/etc/systemd/system/multi-user.target.d/server.conf": "[Unit]\nWants=llama-server.service\n",
    }
