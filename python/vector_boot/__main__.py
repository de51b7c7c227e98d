"""`python -m vector_boot MODEL`: a conversation in the terminal."""

import sys

from ._terminal import main

if __name__ == "__main__":
    sys.exit(main())
