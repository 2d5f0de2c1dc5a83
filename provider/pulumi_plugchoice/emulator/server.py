"""The command: reads the options, says what was started, serves until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .world import World

_MISSING = "The emulator needs FastAPI and uvicorn: pip install 'pulumi-plugchoice[emulator]'"


class StartError(Exception):
    """Why the emulator does not start, in one line."""


def main(argv: list[str] | None = None) -> int:
    """Run the emulator; the exit code."""
    options = _options(argv)
    try:
        import uvicorn  # noqa: F401
        from fastapi import FastAPI  # noqa: F401
    except ImportError:
        return _failed(_MISSING, 1)
    from .seeding import SeedError

    try:
        _serve(options)
    except SeedError as error:
        return _failed(f"The seed cannot be used: {error}", 2)
    except StartError as error:
        return _failed(str(error), 2)
    return 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pulumi_plugchoice.emulator",
        description="A local Plugchoice API to try things on: no account, no chargers, nothing leaves this machine.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8787, help="port; 0 takes a free one (default: 8787)")
    parser.add_argument("--seed", type=Path, metavar="FILE.json", help="sites, chargers and tokens to start with")
    parser.add_argument("--ready-file", type=Path, metavar="PATH", help="written, as JSON, once requests are taken")
    parser.add_argument("--allow-remote", action="store_true", help="allow a --host that other machines can reach")
    parser.add_argument("--quiet", action="store_true", help="do not print what was started and what to try")
    return parser.parse_args(argv)


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it is a number from 0 (a free one) to 65535")
    return port


def _failed(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code


def _serve(options: argparse.Namespace) -> None:
    from .default_seed import DEFAULT_SEED
    from .seeding import read_seed, seed_from
    from .world import World

    if not options.allow_remote and not _is_loopback(options.host):
        raise StartError(
            f"--host {options.host} can be reached from other machines, and the control endpoints ask for no token. "
            "Use 127.0.0.1, or add --allow-remote if that is what you want."
        )
    seed = read_seed(options.seed) if options.seed else seed_from(DEFAULT_SEED, "default seed")
    world = World(seed)
    with _listening(options.host, options.port) as listener, contextlib.suppress(KeyboardInterrupt):
        port = listener.getsockname()[1]
        root = f"http://{f'[{options.host}]' if ':' in options.host else options.host}:{port}"
        with _ready_file_named(options.ready_file):
            if options.ready_file:
                options.ready_file.unlink(missing_ok=True)
        _run(world, listener, lambda: _started(options, world, root, port))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise StartError(f"Cannot listen on {host}:{port}: {error}. Check --host and --port.") from None
    with socket.socket(family, kind, protocol) as listener:  # with its protocol named, asyncio sets TCP_NODELAY
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(256)
        except OSError as error:
            raise StartError(
                f"Cannot listen on {host}:{port}: {error.strerror}. Use another --port, or --port 0 for a free one."
            ) from None
        yield listener


def _run(world: World, listener: socket.socket, started: Any) -> None:
    import uvicorn

    from .app import create_app
    from .protocol import TrackedProtocol, drop_all

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            drop_all()
            await super().shutdown(sockets)

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """As uvicorn's, but a signal ends the server and nothing else: the exit code stays 0."""
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
        create_app(world),
        http=TrackedProtocol,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )
    Server(config).run(sockets=[listener])


def _started(options: argparse.Namespace, world: World, root: str, port: int) -> None:
    if not options.quiet:
        from .banner import banner

        sys.stdout.write(banner(world, root))
        sys.stdout.flush()
    if options.ready_file:
        ready = {"base_url": f"{root}/api", "control_url": f"{root}/_emulator", "port": port, "pid": os.getpid()}
        part = options.ready_file.with_name(f"{options.ready_file.name}.{os.getpid()}.part")
        with _ready_file_named(options.ready_file):
            part.write_text(json.dumps(ready) + "\n", encoding="utf-8")
            part.replace(options.ready_file)


@contextlib.contextmanager
def _ready_file_named(path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StartError(
            f"Cannot write --ready-file {path}: {error.strerror}. Name a file in a folder that exists."
        ) from None
