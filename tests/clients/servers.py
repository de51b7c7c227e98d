"""The two servers that every client asks: vector_boot as PID 1 of a container, and llama-server beside it."""

from dataclasses import dataclass
from pathlib import Path

from vector_boot_tools.places import INNER_CONFIG, INNER_MODEL
from vector_boot_tools.sandbox import Root
from vector_boot_tools.system import VECTOR_BOOT, configuration
from vector_boot_tools.testing import LOOPBACK, Started, free_port

OURS, THEIRS = "vector_boot", "llama-server"
CONTEXT = 2048  # tokens of one request
KEY, SECOND_KEY = "sk-the-first-key", "sk-the-second-key"
KEYS_FILE = "/etc/vector_boot/keys"
KEYS = {KEYS_FILE: f"{KEY}\n{SECOND_KEY}\n"}

# Why the two differ in several tests.
NO_TOOLS = "llama-server leaves tools out where the model's chat template has no place for them, as SmolLM2's"


@dataclass(frozen=True)
class Server:
    name: str
    started: Started

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.started.port}"

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def expected[Value](self, ours: Value, *, llama_server: Value, because: str) -> Value:
        """What this server is expected to do where the two differ. docs/clients.md has a line for each reason."""
        assert because
        return ours if self.name == OURS else llama_server


def start(name: str, model: Path, *, keys: bool = False, embeddings: bool = False) -> Started:
    port = free_port()
    files = KEYS if keys else {}
    if name == OURS:
        settings = configuration(LOOPBACK, port) + (f'\n[http]\nkeys = "{KEYS_FILE}"\n' if keys else "")
        return Started(Root(model, files={INNER_CONFIG: settings, **files}), [VECTOR_BOOT], port)
    command = ["/usr/bin/llama-server", "-m", INNER_MODEL, "--port", str(port), "--jinja", "-fit", "off", "--no-warmup"]
    command += ["-np", "4", "-c", str(4 * CONTEXT), "--no-ui"]
    if keys:
        command += ["--api-key-file", KEYS_FILE]
    if embeddings:
        command += ["--embeddings", "--pooling", "mean"]
    # Its threads would spin at every barrier, which on a busy machine takes seconds for a token.
    return Started(Root(model, files=files), command, port, {"OMP_WAIT_POLICY": "PASSIVE"})


def wait_until_ready(server: Server) -> None:
    """A server that never comes up says why in its log."""
    try:
        server.started.client().request("GET", "/health", seconds=60, alive=server.started.sandbox.running).read()
    except Exception as error:
        raise AssertionError(f"{server.name} did not come up: {error}; it wrote:\n{server.started.log()}") from error
