"""The handoff's program: CPython's own regression tests, with the arguments of `python3 -m test`."""

from test.libregrtest.main import main

if __name__ == "__main__":  # not in processes that tests start, which read this file as well
    main()
