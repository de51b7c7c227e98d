"""vector_boot as PID 1, in a container or in a virtual machine: its configuration, its start, its end."""

import signal
import subprocess
from pathlib import Path
from typing import Protocol

from . import tap_network
from .places import CACHE, INNER_BINARIES, INNER_CONFIG, INNER_MODEL
from .sandbox import Root, Sandbox
from .virtual_machine import VirtualMachine

BOOT_CACHE = CACHE / "boot"  # of all systems that are started here, as a machine keeps its /var/cache
VECTOR_BOOT = f"{INNER_BINARIES}/vector_boot"


def configuration(host: str, port: int) -> str:
    return (
        f'[engine]\nmodel = "{INNER_MODEL}"\n\n'
        f'[listen]\nhttp = "{host}:{port}"\n\n'
        '[failure]\npolicy = "poweroff"\nlimit = 3\n\n'
        '[machine]\nctrl_alt_del = "poweroff"\n'
    )


class System(Protocol):
    """What a client needs to know of a started system, whatever it runs in."""

    host: str
    port: int

    @property
    def sandbox(self) -> Sandbox: ...

    def power_off(self) -> None:
        """Asks for the end in order; sandbox.wait() tells how it went."""


class ContainerSystem:
    def __init__(self, model: Path, port: int, *, host: str = "127.0.0.1", output: int | None = None) -> None:
        self.host, self.port = host, port
        root = Root(model, files={INNER_CONFIG: configuration(host, port)}, cache=BOOT_CACHE)
        self.sandbox = Sandbox(root, [VECTOR_BOOT], output=output)

    def power_off(self) -> None:
        self.sandbox.signal(signal.SIGTERM)


class VirtualMachineSystem:
    """The process must be in the tap network already (tap_network.enter)."""

    def __init__(self, model: Path, port: int, *, output: int | None = None) -> None:
        self.host, self.port = tap_network.GUEST, port
        root = Root(model, files={INNER_CONFIG: configuration("0.0.0.0", port)}, cache=BOOT_CACHE)
        self.sandbox = VirtualMachine(root, VECTOR_BOOT, output=output)

    def power_off(self) -> None:
        self.sandbox.ctrl_alt_del()


def start(model: Path, port: int, *, virtual: bool, output: int | None = subprocess.PIPE) -> System:
    """Prepared, not running yet: system.sandbox.release() executes it."""
    if virtual:
        return VirtualMachineSystem(model, port, output=output)
    return ContainerSystem(model, port, output=output)
