"""vector_boot as init of User-Mode Linux, reached over a tap device in a network namespace of the tests' own."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from vector_boot_tools import tap_network
from vector_boot_tools.client import Client
from vector_boot_tools.model import default_model
from vector_boot_tools.places import INNER_CONFIG
from vector_boot_tools.sandbox import Root
from vector_boot_tools.system import VECTOR_BOOT, configuration
from vector_boot_tools.virtual_machine import VirtualMachine

PORT = 8080


@pytest.fixture(scope="session")
def model() -> Path:
    return default_model()


@pytest.fixture(scope="session")
def network(model: Path) -> None:  # the model may be a download, and this network leads nowhere
    tap_network.enter()


class Machine:
    """One run of the virtual machine, with its console's text."""

    def __init__(
        self,
        model: Path | None,
        words: tuple[str, ...],
        configured: str,
        disk: Path | None,
        executables: Mapping[str, str],
        static_address: bool,
    ) -> None:
        with tempfile.TemporaryFile() as file:
            self._console = os.dup(file.fileno())
        root = Root(model, files={INNER_CONFIG: configured}, executables=executables)
        self.kernel = VirtualMachine(
            root, VECTOR_BOOT, words=words, disk=disk, static_address=static_address, output=self._console
        )
        self.kernel.release()
        self.client = Client(tap_network.GUEST, PORT, connect_seconds=0.1)

    def console(self) -> str:
        return os.pread(self._console, 1 << 20, 0).decode(errors="replace")

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while text not in self.console():
            assert self.kernel.running() and time.monotonic() < end, f"no '{text}' on the console:\n{self.console()}"
            time.sleep(0.02)

    def close(self) -> None:
        self.kernel.close()
        if self._console >= 0:
            os.close(self._console)
            self._console = -1


@pytest.fixture
def boot(model: Path, network: None) -> Iterator[Callable[..., Machine]]:
    machines: list[Machine] = []

    def boot_one(
        *words: str,
        file: Path | None = model,
        configured: str = configuration("0.0.0.0", PORT),
        disk: Path | None = None,
        executables: Mapping[str, str] = MappingProxyType({}),
        static_address: bool = True,
    ) -> Machine:
        machines.append(Machine(file, words, configured, disk, executables, static_address))
        return machines[-1]

    yield boot_one
    for machine in machines:
        machine.close()
