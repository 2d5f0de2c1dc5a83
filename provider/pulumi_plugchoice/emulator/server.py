"""The command that runs the emulator until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import ipaddress
import json
import os
import secrets
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .bounds import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .world import World

_MISSING = "emulator: FastAPI and uvicorn are not installed; run: pip install 'pulumi-plugchoice[emulator]'"


# Of a path, or of an option.
_STARTS = ("/", ".", "-", "~", "_")

_READY_KEYS = {"base_url", "control_url", "port", "pid"}
_LARGEST_READY_FILE = 1000


class CannotServeError(Exception):
    """Why the emulator cannot serve, in one line."""


def main(argv: list[str] | None = None, prog: str = "python -m pulumi_plugchoice.emulator") -> int:
    """Run the emulator; returns the exit code.

    Args:
        argv: the options; default: those of the process.
        prog: the name of the command, for its help.
    """
    options = _parse_options(argv, prog)
    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn")):
        return _fail(_MISSING, 1)
    from .seed import SeedError

    try:
        _serve(options)
    except (SeedError, CannotServeError) as error:
        return _fail(str(error), 2)
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))  # it may quote an argument

    def _print_message(self, message: str, file: Any = None) -> None:
        # As from Python 3.11 on: a mistake has its status also where nobody can be told.
        with contextlib.suppress(AttributeError, OSError):
            super()._print_message(message, file)


def _parse_options(argv: list[str] | None, prog: str) -> argparse.Namespace:
    parser = _Parser(
        prog=prog,
        description="Run a local Plugchoice API. It needs no account and no chargers, and sends nothing anywhere.",
        epilog="exit status: 0: Stopped with Ctrl-C or SIGTERM. 1: The extra is not installed. 2: A wrong option, a "
        "seed with mistakes, or an address that is not free. 130: Stopped with Ctrl-C before it has started.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8787, help="port; 0 for a free one (default: 8787)")
    parser.add_argument("--seed", type=Path, metavar="FILE.json", help="sites, chargers and tokens to start with")
    parser.add_argument("--ready-file", type=_new_file, metavar="PATH", help="file that gets the addresses, as JSON")
    parser.add_argument("--allow-remote", action="store_true", help="allow a --host that other machines can reach")
    parser.add_argument("--quiet", action="store_true", help="do not print addresses and examples")
    return parser.parse_args(argv)


def _new_file(text: str) -> Path:
    if text == "-":
        raise argparse.ArgumentTypeError("'-' is not a file; name one, or ./- for a file of that name")
    return Path(text)


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a number from 0 (a free one) to 65535")
    return port


def _fail(text: str, code: int) -> int:
    line = one_line(text)
    # The name of a file can look like a command to a log, such as `::error::`.
    sys.stderr.write(f"{line if line[:1].isalnum() or line[:1] in _STARTS else f'emulator: {line}'}\n")
    return code


def _serve(options: argparse.Namespace) -> None:
    from .default_seed import DEFAULT_SEED
    from .seed import parse_seed, read_seed
    from .world import World

    if not options.allow_remote and not _is_loopback(options.host):
        raise CannotServeError(
            f"--host {options.host}: other machines can reach it, and the control endpoints need no token; "
            "use 127.0.0.1, or add --allow-remote"
        )
    seed = read_seed(options.seed) if options.seed else parse_seed(DEFAULT_SEED, "default seed")
    world = World(seed)
    with _open_listener(options.host, options.port) as listener, contextlib.suppress(KeyboardInterrupt):
        port = listener.getsockname()[1]
        root = f"http://{f'[{options.host}]' if ':' in options.host else options.host}:{port}"
        if options.ready_file:
            _remove_old(options.ready_file)
        _run(world, options, listener, lambda: _announce(options, world, root, port))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def _open_listener(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CannotServeError(f"--host {host} --port {port}: cannot listen: {error}; check both options") from None
    with socket.socket(family, kind, protocol) as listener:  # asyncio sets TCP_NODELAY only when the protocol is given
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(256)
        except OSError as error:
            raise CannotServeError(
                f"--port {port}: cannot listen on {host}: {error.strerror}; use another port, or 0 for a free one"
            ) from None
        yield listener


def _run(world: World, options: argparse.Namespace, listener: socket.socket, announce: Any) -> None:
    import uvicorn

    from .app import create_app
    from .guard import Guard
    from .protocol import TrackedProtocol, drop_all

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            announce()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            drop_all()
            await super().shutdown(sockets)

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """As in uvicorn, but a signal only stops the server: the exit code stays 0."""
            if threading.current_thread() is not threading.main_thread():
                yield
                return
            previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
            try:
                yield
            finally:
                for number, handler in previous.items():
                    signal.signal(number, handler)

    config = uvicorn.Config(
        create_app(world, Guard(options.host, allow_remote=options.allow_remote)),
        http=TrackedProtocol,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )
    Server(config).run(sockets=[listener])


def _announce(options: argparse.Namespace, world: World, root: str, port: int) -> None:
    if not options.quiet:
        from .banner import banner

        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(banner(world, root).encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    if options.ready_file:
        ready = {"base_url": f"{root}/api", "control_url": f"{root}/_emulator", "port": port, "pid": os.getpid()}
        part = options.ready_file.with_name(f".plugchoice-{secrets.token_hex(6)}")
        with _check_ready_file(options.ready_file):
            try:
                with part.open("x", encoding="utf-8") as file:
                    file.write(json.dumps(ready) + "\n")
                part.replace(options.ready_file)
            finally:
                part.unlink(missing_ok=True)


def _remove_old(path: Path) -> None:
    """Remove the ready file of an earlier run, which would look like this one's. No other file is removed."""
    with _check_ready_file(path):
        try:
            is_ours = path.is_file() and _is_ready_file(path)
        except FileNotFoundError:
            return
        if os.path.lexists(path) and not is_ours:
            raise CannotServeError(
                f"--ready-file {path}: exists, and no emulator has written it; name another file, or remove it"
            )
        path.unlink(missing_ok=True)


def _is_ready_file(path: Path) -> bool:
    """Whether an emulator wrote the file; an empty one, as `mktemp` makes, counts as well."""
    with path.open("rb") as file:
        content = file.read(_LARGEST_READY_FILE)
    if not content:
        return True
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and set(found) == _READY_KEYS


@contextlib.contextmanager
def _check_ready_file(path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotServeError(
            f"--ready-file {path}: cannot be written: {error.strerror}; name a file in an existing folder"
        ) from None
