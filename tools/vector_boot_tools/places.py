"""Where things are in the checkout and in what the tools start."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache"
BUILD = Path(os.environ.get("VB_BUILD_DIR", CHECKOUT / "build" / "release")).resolve()
BINARIES = BUILD / "bin"
PACKAGE = BUILD / "python"

# Inside a container or a virtual machine.
INNER_BINARIES = "/opt/vector_boot/bin"
INNER_PACKAGE = "/opt/vector_boot/python"
INNER_MODEL = "/models/model.gguf"
INNER_CACHE = "/var/cache/vector_boot"
INNER_CONFIG = "/etc/vector_boot/config.toml"
