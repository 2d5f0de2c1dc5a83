"""Which requests are answered at all: those that are meant for this machine, and do not come from another web page.

The control endpoints need no token. A web page that somebody has open may send requests to localhost, and with a name
of its own that leads there (DNS rebinding) even read the answers. Browsers tell both: in `Host`, and in `Origin` or
`Sec-Fetch-Site`.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# An IPv6 address in brackets, or a name or IPv4 address; and a port. No user, path or zone.
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::[0-9]{1,5})?", re.ASCII)


class Guard:
    """The rules.

    Args:
        host: that the emulator listens on.
        allow_remote: whether other machines may use it. Then any address is a valid host, and any name without a dot,
            such as that of a container: a page from the internet has a name with a dot.
    """

    def __init__(self, host: str, *, allow_remote: bool) -> None:
        self._host = host.lower()
        self._allow_remote = allow_remote

    def refuse(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Why a request is not answered, or None."""
        values: dict[str, list[str]] = {}
        for name, value in headers:
            values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
        hosts = values.get("host", [])
        for host in hosts:
            if not self._is_own(host):
                advice = "its IP address" if self._allow_remote else "127.0.0.1 or localhost"
                return f"Host is {host[:100]!r}, which is not this machine; use {advice}"
        for origin in values.get("origin", []):
            if origin.lower() not in {f"http://{host.lower()}" for host in hosts}:
                return f"Origin is {origin[:100]!r}; requests of other web pages are not answered"
        for site in values.get("sec-fetch-site", []):
            if site not in ("same-origin", "none"):
                return f"Sec-Fetch-Site is {site[:100]!r}; requests of other web pages are not answered"
        return None

    def _is_own(self, host: str) -> bool:
        parts = _HOST.fullmatch(host.lower())
        if parts is None:
            return False
        name = parts[1] or parts[2]
        if name in ("localhost", self._host):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return self._allow_remote and bool(name) and "." not in name
        return self._allow_remote or address.is_loopback
