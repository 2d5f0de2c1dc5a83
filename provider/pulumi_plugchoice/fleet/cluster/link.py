"""The way between the machines of a cluster: TLS, or plain TCP on loopback.

Dask's messages are pickles, which run code: whoever has a certificate of the cluster's authority can run programs on
its workers.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import logging
import re
import socket
import ssl
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Where a scheduler listens when nobody says otherwise.
PORT: Final = 8786
_ADDRESS: Final = re.compile(r"(tls|tcp)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")
_NO_ANSWER: Final = "it does not answer; check the address, the firewall, and that both sides use TLS or both do not"
_NO_HOST: Final = "there is no host of that name; check the address"
# Loggers of the library and of what it uses. It gives some of those below them a handler of their own.
_LOGGERS: Final = ("distributed", "tornado", "bokeh", "asyncio")
_STATE: Final = re.compile(r"<WorkerState '([^']+)'[^>]*>")
# What is no news to anybody, and follows or precedes a line that is.
_LEFT_OUT: Final = re.compile(
    r"Async instruction for <Task|Workers \[.*\] do not use a nanny|Mismatched versions found"
)
# What holds unless the configuration of Dask says otherwise.
_DEFAULTS: Final = {"distributed": {"scheduler": {"worker-ttl": "60s", "no-workers-timeout": "300s"}}}
# Dask serves pages over http on each machine, without encryption.
_NO_PAGES: Final = {"distributed": {role: {"http": {"routes": list[str]()}} for role in ("scheduler", "worker")}}


class LinkError(PlugchoiceError):
    """An address or a certificate that cannot be used."""


@dataclass(frozen=True)
class Certificates:
    """The files of one side; all None: what the configuration of Dask says.

    Attributes:
        authority: certificate of the cluster's own authority.
        certificate: of this machine, signed by it.
        key: of that certificate; None: in the same file.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def require_library() -> None:
    """Check that the extra is there.

    Raises:
        PlugchoiceError: it is not.
    """
    if importlib.util.find_spec("distributed") is None:
        raise PlugchoiceError("distributed: is not installed; run: pip install 'pulumi-plugchoice[fleet]'")


def configure(tell: Callable[[str], None] | None, *, has_pages: bool = False) -> None:
    """Set our defaults, and let the library's own lines pass as one line each.

    Args:
        tell: takes a line; None: they are left out.
        has_pages: whether this process serves the pages of Dask.
    """
    import dask.config
    import distributed

    dask.config.update_defaults(_DEFAULTS)
    if not has_pages:
        dask.config.update_defaults(_NO_PAGES)
    del distributed
    below = tuple(f"{name}." for name in _LOGGERS)
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(below)]:
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        # What asyncio has to say of tasks that were cancelled, nobody can use.
        logger.handlers = [logging.NullHandler() if tell is None or name == "asyncio" else _OneLine(tell)]
        logger.propagate = False


class _OneLine(logging.Handler):
    """Passes on warnings and errors, each once in a row, and only what they say first."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on a line."""
        with contextlib.suppress(Exception):
            line = next(iter(record.getMessage().strip().splitlines()), "")
            text = printable(_STATE.sub(r"\1", line), 200)
            if text and text != self._last and not _LEFT_OUT.match(text):
                self._last = text
                self._tell(f"dask: {text}")


def is_loopback(host: str) -> bool:
    """Whether a name or address is only of this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_address(text: str, option: str = "") -> tuple[str, str, int]:
    """Return the protocol, the host and the port of a scheduler.

    Args:
        text: `tls://HOST:PORT`.
        option: which names it, for a message.

    Raises:
        LinkError: it is not an address, or plain TCP leaves this machine.
    """
    match = _ADDRESS.fullmatch(text)
    name = f"{option} {printable(text, 100)}".strip()
    if match is None or not 0 < int(match[3]) < 1 << 16:
        raise LinkError(f"{name}: is not the address of a scheduler; write one such as tls://scheduler.example:{PORT}")
    if match[1] == "tcp" and not is_loopback(match[2]):
        raise LinkError(f"{name}: is not encrypted, and not on loopback; use tls://")
    return match[1], match[2], int(match[3])


def make_security(certificates: Certificates, *, is_encrypted: bool) -> Any:
    """Make what the classes of Dask take.

    Args:
        certificates: of this side.
        is_encrypted: whether the way is TLS.

    Raises:
        LinkError: a file is missing or cannot be used.
    """
    from distributed.security import Security

    given = (certificates.authority, certificates.certificate, certificates.key)
    if not is_encrypted:
        if any(given):
            raise LinkError("--tls-ca, --tls-cert, --tls-key: are only for an address that begins with tls://")
        return Security(require_encryption=False)
    for option, file in zip(("--tls-ca", "--tls-cert", "--tls-key"), given, strict=True):
        if file is not None and not file.is_file():
            raise LinkError(f"{option} {show_path(file)}: there is no such file")
    fields: dict[str, Any] = {}
    if certificates.authority is not None:
        fields["tls_ca_file"] = str(certificates.authority)
    for role in ("client", "scheduler", "worker"):
        if certificates.certificate is not None:
            fields[f"tls_{role}_cert"] = str(certificates.certificate)
            fields[f"tls_{role}_key"] = None if certificates.key is None else str(certificates.key)
    security = Security(require_encryption=True, **fields)
    try:
        context = security.get_connection_args("client")["ssl_context"]
        security.get_listen_args("scheduler")
        security.get_listen_args("worker")
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise LinkError(f"TLS: the certificates cannot be used ({printable(error, 150)}); check the files") from None
    if context is None:
        raise LinkError(
            "TLS: no certificates; give --tls-ca, --tls-cert and --tls-key, or set distributed.comm.tls in the "
            "configuration of Dask"
        )
    return security


def explain(error: BaseException, address: str) -> str:
    """Say in a few words why there is no connection to a scheduler."""
    refused = "nothing listens there; start `plugchoice fleet scheduler`"
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            reason = getattr(seen, "verify_message", "") or seen.reason or "handshake failed"
            return f"TLS: {printable(reason, 100)}; check that all machines have certificates of one authority"
        if isinstance(seen, ConnectionRefusedError):
            return refused
        if isinstance(seen, socket.gaierror):
            return _NO_HOST
        seen = seen.__cause__ or seen.__context__
    if "SSL" in str(error) or "TLS" in str(error):
        return "TLS: handshake failed; check that both sides use TLS, with certificates of one authority"
    # Dask tries until its time is over, and what it says then depends on the moment.
    try:
        return refused if _is_refused(address) else _NO_ANSWER
    except socket.gaierror:
        return _NO_HOST
    except (OSError, ValueError):
        return _NO_ANSWER


def _is_refused(address: str) -> bool:
    """Whether nothing listens at this address.

    Raises:
        OSError: it cannot be asked.
        ValueError: it is no address.
    """
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False


def describe_host() -> tuple[str, str]:
    """Name this machine, so that it can be told from others: its name, and which start of it this is."""
    boot = ""
    if sys.platform == "linux":
        with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123 - one line
            boot = file.read().strip()
    return socket.gethostname(), boot
