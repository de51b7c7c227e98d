"""`./dev docs`: builds the documentation's site in build/docs/html."""

import sys

from vector_boot_tools import documentation

if not documentation.build():
    sys.exit(1)
print(documentation.SITE / "index.html")
