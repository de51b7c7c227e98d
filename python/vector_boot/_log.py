"""What the engine says, as records of logging.getLogger("vector_boot").

The engine's threads put their lines into a queue; whoever calls into the model next brings them here.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import _vector_boot

# The numbers of syslog(3), which VB_LOG_* are.
_WARNING, _NOTICE, _INFO, _DEBUG = 4, 5, 6, 7


def wanted_level() -> int:
    """The least important lines that logging would show; without logging, warnings."""
    logging = sys.modules.get("logging")
    if logging is None:
        return _WARNING
    level: int = logging.getLogger("vector_boot").getEffectiveLevel()
    if level <= logging.DEBUG:
        return _DEBUG
    return _INFO if level <= logging.INFO else _WARNING


def deliver(handle: _vector_boot.Model) -> None:
    lines = handle.take_logs()
    if not lines:
        return
    import logging

    logger = logging.getLogger("vector_boot")
    for level, text in lines:
        if level < _WARNING:
            logger.error("%s", text)
        elif level == _WARNING:
            logger.warning("%s", text)
        elif level in (_NOTICE, _INFO):
            logger.info("%s", text)
        else:
            logger.debug("%s", text)
