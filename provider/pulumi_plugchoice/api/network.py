"""How requests leave this machine: the proxy and the CA certificates that the environment names.

`requests` would read the same variables at each request and report a mistake in them in many ways, some with the
proxy's password and one as a traceback. Here they are read once and checked, and each message names the variable.
"""

from __future__ import annotations

import importlib.util
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import urllib3
from requests.utils import get_environ_proxies, select_proxy

from pulumi_plugchoice._text import hide, printable
from pulumi_plugchoice.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

# As `requests` and the standard library look for them.
_PROXY_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: Variables of OpenSSL, which `requests` does not read.
_UNREAD_CA_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_SOCKS_SCHEMES: Final = ("socks4", "socks4a", "socks5", "socks5h")


@dataclass(frozen=True)
class Network:
    """The way to the API.

    Attributes:
        proxy: URL of the proxy, which may contain a password; None: a direct connection.
        proxy_name: the proxy for messages, with the variable that names it, without user and password.
        proxy_variable: that variable, or `the system's proxy settings`.
        ca_path: file or folder of CA certificates; None: those of the package certifi.
        ca_variable: the variable that names them.
    """

    proxy: str | None = field(default=None, repr=False)
    proxy_name: str = ""
    proxy_variable: str = ""
    ca_path: str | None = None
    ca_variable: str = ""

    @property
    def is_socks(self) -> bool:
        """Whether the proxy is one whose connections are of another kind (see `time_limit.py`)."""
        return self.proxy is not None and self.proxy.lower().startswith(_SOCKS_SCHEMES)

    @property
    def ca_advice(self) -> str:
        """What to do when the server's certificate is not trusted."""
        if self.ca_variable:
            return f"check the base URL and the CA certificates that {self.ca_variable} names"
        unread = next((name for name in _UNREAD_CA_VARIABLES if os.environ.get(name)), None)
        if unread:
            return f"{unread} is not read: set REQUESTS_CA_BUNDLE to your CA certificates, or check the base URL"
        return "check the base URL; if a proxy opens TLS connections here, set REQUESTS_CA_BUNDLE to its CA certificate"


def find_network(url: str, environment: Mapping[str, str]) -> Network:
    """Find the way to a URL; NO_PROXY counts.

    Plain http is for loopback, where a proxy of the environment would read the token: there the way is direct. With
    https a proxy sees the host's name only.

    Args:
        url: the base URL.
        environment: the process's.

    Raises:
        ConfigError: a variable names a proxy or CA certificates that cannot be used.
    """
    if not url.startswith("https:"):
        return Network()
    ca_path, ca_variable = _find_ca(environment)
    text = select_proxy(url, get_environ_proxies(url))
    if not text:
        return Network(ca_path=ca_path, ca_variable=ca_variable)
    variable = next((name for name in _PROXY_VARIABLES if environment.get(name) == text), "the system's proxy settings")
    proxy, address = _check_proxy(text, variable)
    return Network(proxy, f"the proxy {address} of {variable}", variable, ca_path, ca_variable)


def _check_proxy(text: str, variable: str) -> tuple[str, str]:
    """The URL of a proxy, and its address for messages. No message shows the text: it may contain a password."""
    try:
        proxy = text.strip() if "://" in text else f"http://{text.strip()}"
        parts = urllib3.util.parse_url(proxy)
        hide(unquote(urlsplit(proxy).password or ""))
    except (ValueError, urllib3.exceptions.HTTPError):
        parts = urllib3.util.Url()
    has_blank = any(letter.isspace() for letter in parts.host or "")  # urllib3 before 2.8 takes one
    if not parts.host or has_blank or parts.scheme not in ("http", "https", *_SOCKS_SCHEMES):
        raise ConfigError(
            f"{variable}: is not the URL of a proxy; use one such as http://proxy.example:3128 "
            "(in a user name or password, write #, / and @ as %23, %2F and %40)"
        )
    if parts.scheme in _SOCKS_SCHEMES and importlib.util.find_spec("socks") is None:
        raise ConfigError(
            f"{variable}: names a SOCKS proxy, and the package for it is not installed; "
            "run: pip install 'requests[socks]', or name an http proxy"
        )
    port = f":{parts.port}" if parts.port else ""
    return proxy, printable(f"{parts.scheme}://{parts.host}{port}", 120)


def _find_ca(environment: Mapping[str, str]) -> tuple[str | None, str]:
    """The file or folder of CA certificates, and the variable that names it."""
    variable = next((name for name in _CA_VARIABLES if environment.get(name)), "")
    if not variable:
        return None, ""
    path = environment[variable]
    what = f"{variable}: {printable(path, 200)!r}"
    try:
        if not Path(path).exists():
            raise ConfigError(f"{what} does not exist; name a PEM file of CA certificates, or unset {variable}")
        if not Path(path).is_dir() and not Path(path).is_file():  # a pipe would be waited for
            raise ConfigError(f"{what} is not a file; name a PEM file of CA certificates")
        if not Path(path).is_dir():
            ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:
        reason = "has no PEM certificate" if isinstance(error, ssl.SSLError) else f"cannot be read ({error})"
        raise ConfigError(f"{what} {printable(reason, 120)}; name a PEM file of CA certificates") from None
    return path, variable
