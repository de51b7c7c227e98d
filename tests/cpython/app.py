"""The handoff's program: CPython's own regression tests, with the arguments of `python3 -m test`."""

from test.libregrtest.main import main

main()
