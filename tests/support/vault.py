"""A HashiCorp Vault that keeps the keys of stacks: its transit engine, as far as `pulumi` asks it.

A passphrase costs each `pulumi` call 0.3 CPU s, because a key is derived from it with a million rounds. Nothing of this
package depends on where the key of a stack comes from; what is about passphrases and secrets uses one, as users do:
`Stack.with_passphrase`.
"""

from __future__ import annotations

import contextlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from .servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "VAULT_ADDR"  # read by `pulumi`
PROVIDER: Final = "hashivault://tests"
_PREFIX: Final = "vault:v1:"  # of what Vault has encrypted; here it is only encoded, as it came


class _Handler(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        match self.path.split("/"):
            case ["", "v1", "transit", "encrypt", "tests"]:
                data = {"ciphertext": f"{_PREFIX}{asked['plaintext']}"}
            case ["", "v1", "transit", "decrypt", "tests"]:
                data = {"plaintext": asked["ciphertext"].removeprefix(_PREFIX)}
            case _:
                self.send_error(404)
                return
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def running() -> Iterator[dict[str, str]]:
    """Let it answer on loopback while the block lasts; the value is the variables with which `pulumi` finds it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    with serving(server):
        yield {VARIABLE: f"http://127.0.0.1:{server.server_port}", "VAULT_TOKEN": "of-the-tests"}
