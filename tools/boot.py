"""`./dev boot`: starts vector_boot as PID 1, asks it over HTTP, shows the boot timeline, ends it in order."""

import argparse
import signal
import socket
import sys

from vector_boot_tools import system, tap_network
from vector_boot_tools.client import QUESTION, Client
from vector_boot_tools.failure import Failure
from vector_boot_tools.model import model_path
from vector_boot_tools.relay import Relay
from vector_boot_tools.terminal import LogReader, Terminal

END_SECONDS = 15.0  # from the request to power off to the end


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev boot", description=__doc__)
    parser.add_argument("--once", metavar="QUESTION", help="ask, print the answer and the timeline, power off")
    parser.add_argument("--vm", action="store_true", help="a real kernel (User-Mode Linux) instead of a container")
    parser.add_argument("--model", metavar="FILE", help="a GGUF file of your own")
    parser.add_argument("--port", metavar="N", type=int, default=8080, help="on 127.0.0.1 (default: 8080)")
    given = parser.parse_args()
    if not 0 < given.port < 65536:
        parser.error(f"--port {given.port}: expected a number from 1 to 65535")
    return given


def ask(client: Client, question: str, terminal: Terminal, started: system.System) -> None:
    """Streams the answer to the terminal, from a connection that is tried from the first moment on."""
    pieces = client.stream(question, alive=started.sandbox.running)
    first = next(pieces, None)
    if first is None:
        raise Failure("the answer was empty")
    terminal.begin_answer()
    try:
        terminal.answer(f"\n{question}\n\n{first.lstrip()}")
        for piece in pieces:
            terminal.answer(piece)
    finally:
        terminal.end_answer()


def end(started: system.System) -> int:
    """Powers off and returns PID 1's own exit status."""
    started.power_off()
    status = started.sandbox.wait(END_SECONDS)
    if status is None:
        raise Failure(f"vector_boot did not end within {END_SECONDS:.0f} s after it was asked to; killed")
    return status


def interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def serve(given: argparse.Namespace, started: system.System, listening: socket.socket | None) -> None:
    """Until Ctrl-C, SIGTERM, or the system's own end."""
    if listening is not None:
        Relay(listening, started.host, started.port)
    print(f"\nserving on http://127.0.0.1:{given.port} (Ctrl-C ends it)", flush=True)
    started.sandbox.wait()


def host_socket(port: int) -> socket.socket:
    """Fails now, with a clear line, where the port is taken; vector_boot binds it itself in a container."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        raise Failure(f"127.0.0.1:{port}: {error.strerror}; --port N chooses another") from error
    return listening


def boot(given: argparse.Namespace) -> int:
    model = model_path(given.model)
    listening = host_socket(given.port)
    if given.vm:
        listening.listen(128)
        tap_network.enter()
    else:
        listening.close()
    terminal = Terminal()
    started = system.start(model, given.port, virtual=given.vm)
    with started.sandbox as sandbox:
        log = LogReader(sandbox.output, terminal)
        failed = stopped = False
        try:
            sandbox.release()
            client = Client(started.host, started.port, connect_seconds=0.1 if given.vm else 1.0)
            ask(client, given.once or QUESTION, terminal, started)
            terminal.say("\n" + client.text("/timeline?format=table").rstrip())
            if given.once is None:
                serve(given, started, listening if given.vm else None)
        except (Failure, OSError) as failure:
            failed = True
            terminal.log(f"boot: {failure}")
        except KeyboardInterrupt:
            stopped = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the end in order is under way already, and has a deadline
        status = end(started) if sandbox.running() else sandbox.wait()
        log.join(1.0)
    if status:
        print(f"boot: vector_boot ended with exit status {status}", file=sys.stderr)
        return status
    if stopped and given.once is not None:
        return 130
    return 1 if failed else 0


def main() -> int:
    signal.signal(signal.SIGTERM, interrupted)
    try:
        return boot(arguments())
    except Failure as failure:
        print(f"boot: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before anything was started
        return 130


if __name__ == "__main__":
    sys.exit(main())
