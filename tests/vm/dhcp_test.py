"""A machine that gets its address by DHCP, exactly as examples/dhcp says, from a server on the tap's other end."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import PORT, Machine
from vector_boot_tools import tap_network
from vector_boot_tools.client import Client
from vector_boot_tools.places import CHECKOUT

EXAMPLE = CHECKOUT / "examples" / "dhcp"
LEASED = "10.0.2.77"  # only the server knows of it

SERVER = f"""
start {LEASED}
end {LEASED}
interface {tap_network.DEVICE}
option subnet {tap_network.NETMASK}
option router {tap_network.HOST}
option dns {tap_network.HOST}
option lease 3600
"""


@pytest.fixture
def server(network: None, tmp_path: Path) -> Iterator[Path]:
    """A running DHCP server; yields what it says."""
    said, configured = tmp_path / "said", tmp_path / "udhcpd.conf"
    leases = tmp_path / "leases"
    leases.touch()
    configured.write_text(SERVER + f"lease_file {leases}\npidfile {tmp_path / 'pid'}\n")
    with said.open("wb") as output:
        process = subprocess.Popen(
            ["busybox", "udhcpd", "-f", "-a", "100", str(configured)], stdout=output, stderr=subprocess.STDOUT
        )
    yield said
    process.terminate()
    process.wait()


def test_a_machine_serves_on_the_address_that_it_is_leased(boot: Callable[..., Machine], server: Path) -> None:
    scripts = {f"/etc/vector_boot/{name}": (EXAMPLE / name).read_text() for name in ("dhcp-client", "dhcp-event")}
    machine = boot(configured=(EXAMPLE / "config.toml").read_text(), executables=scripts, static_address=False)
    machine.wait_for(f"address: 2: vec0    inet {LEASED}/24")
    assert LEASED in server.read_text(), server.read_text()
    client = Client(LEASED, PORT, connect_seconds=5)
    assert client.answer("Hi", max_tokens=1)
    assert tap_network.GUEST not in machine.console()
