"""GGUF language models in this process, by the engine of vector_boot::

    import vector_boot

    with vector_boot.Model("model.gguf") as model:
        print(model.chat("Why is the sky blue?"))
        for piece in model.stream("And why is it red in the evening?"):
            print(piece, end="", flush=True)

Everything begins with Model. Any thread may use any object; requests run side by side. Only a stream is read by
one thread at a time. What the engine has to say goes to logging.getLogger("vector_boot").
"""

import sys

if "_vector_boot" in sys.builtin_module_names:  # the runtime's own, with the engine that booted
    sys.modules[f"{__name__}._vector_boot"] = __import__("_vector_boot")

from ._device import Changes, Device, Dma, Interrupts, Region, barrier
from ._line import Edge, Gpio, Input, InputEvent
from ._machine import Span, boot_timeline, is_booted, ready, serve, status, watchdog
from ._model import Model, Session
from ._stream import Reply, Stream
from ._uevents import Uevent, Uevents, attached, uevents
from ._vector_boot import (
    CancelledError,
    ContextError,
    DeadlineError,
    DeviceError,
    Embeddings,
    Error,
    ForkedError,
    ModelError,
    ModelInfo,
    RequestError,
    ResourceError,
    StateFileError,
    Token,
    Usage,
)
from ._vector_boot import version as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._options import Message, Options

__all__ = [
    "CancelledError",
    "Changes",
    "ContextError",
    "DeadlineError",
    "Device",
    "DeviceError",
    "Dma",
    "Edge",
    "Embeddings",
    "Error",
    "ForkedError",
    "Gpio",
    "Input",
    "InputEvent",
    "Interrupts",
    "Message",
    "Model",
    "ModelError",
    "ModelInfo",
    "Options",
    "Region",
    "Reply",
    "RequestError",
    "ResourceError",
    "Session",
    "Span",
    "StateFileError",
    "Stream",
    "Token",
    "Uevent",
    "Uevents",
    "Usage",
    "__version__",
    "attached",
    "barrier",
    "boot_timeline",
    "is_booted",
    "ready",
    "serve",
    "status",
    "uevents",
    "watchdog",
]


def __getattr__(name: str) -> object:
    """What only type checkers and annotations need, and what would import typing for everybody."""
    if name in ("Message", "Options"):
        from . import _options

        return getattr(_options, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
