"""An emulator for your own tests, in a process of its own on a free port.

Needs the extra `emulator`. The process ends with the block, and with the process that started it, however that
ends, unless a forked child of the program lives on.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from .default_seed import DEFAULT_SEED
from .server import main

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECONDS_TO_START = 60.0
_SECONDS_TO_END = 10.0

# The emulator is on this machine: no proxy of the environment is asked.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class StartError(Exception):
    """The emulator did not start; the message holds what it printed."""


class RefusedError(Exception):
    """The emulator refused a control request, such as an edit of a charger that it does not have.

    Attributes:
        status: the HTTP status.
        answer: the body, decoded.
    """

    def __init__(self, method: str, path: str, status: int, answer: Any) -> None:
        """Name the request, the status and the reason."""
        reason = answer.get("error", answer) if isinstance(answer, dict) else answer
        super().__init__(f"{method} {path}: {reason} (status {status})")
        self.status = status
        self.answer = answer


class Emulator:
    """A running emulator: what your test changes in it, and what it was asked.

    Attributes:
        base_url: of the API, for `PLUGCHOICE_BASE_URL`.
        control_url: of the control endpoints.
        token: the first one of its seed, for `PLUGCHOICE_TOKEN`; None when the seed has none.
    """

    def __init__(self, base_url: str, control_url: str, token: str | None = None) -> None:
        """Use the emulator at these addresses."""
        self.base_url = base_url
        self.control_url = control_url
        self.token = token

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make the provider and the command use this emulator: base URL, first token, first site."""
        site = next((row["site"] for row in self.connectors() if row["site"]), None)
        found = {"PLUGCHOICE_BASE_URL": self.base_url, "PLUGCHOICE_TOKEN": self.token, "PLUGCHOICE_SITE": site}
        return {name: value for name, value in found.items() if value}

    def reset(self, seed: Mapping[str, Any] | None = None) -> None:
        """Start again from a seed, or from the one that it started with; faults, switches and requests are cleared."""
        self.control("POST", "/reset", {} if seed is None else {"seed": seed})

    def connectors(self) -> list[dict[str, Any]]:
        """Every connector: `site`, `charger`, `identity`, `connector_id`, `phase_rotation`, `max_amperage` (A)."""
        rows: list[dict[str, Any]] = self.control("GET", "/connectors")
        return rows

    def edit(self, charger: str, connector_id: int = 1, **fields: Any) -> None:
        """Change a connector as a person does in the portal.

        Args:
            charger: UUID or identity.
            connector_id: OCPP number of the connector.
            fields: new values, such as `max_amperage=63` (A) or `phase_rotation="STR"`.
        """
        self.control("PATCH", f"/chargers/{charger}/connectors/{connector_id}", fields)

    def fault(self, kind: str, **options: Any) -> None:
        """Answer the next matching requests with a fault.

        Args:
            kind: `status`, `slow`, `reset_after` and others; a wrong one is refused with the list of all.
            options: `method` and `path` (a part of it) choose the requests, `times` says how many (None: all), `skip`
                how many go well before; further ones belong to the kind, such as `status=500`. `page` loses, doubles
                and moves rows between the pages of a list: `page=2, lost=[0]`.
        """
        self.control("POST", "/faults", {"kind": kind, **options})

    def clear_faults(self) -> None:
        """Answer without faults again."""
        self.control("DELETE", "/faults")

    def requests(self) -> list[dict[str, Any]]:
        """The API requests since the last reset or `clear_requests()`, with `method`, `path`, `json` and `status`."""
        log: list[dict[str, Any]] = self.control("GET", "/requests")["requests"]
        return log

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self.control("DELETE", "/requests")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to a control endpoint; `control("GET", "")` lists them.

        Returns:
            The answer, decoded; None when it has no body.

        Raises:
            RefusedError: the status is 400 or above.
        """
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.control_url + path, content, headers, method=method)  # noqa: S310 - http
        try:
            with _open(request, timeout=30) as response:
                return _decode(response.read())
        except HTTPError as error:
            with error:
                raise RefusedError(method, path, error.code, _decode(error.read())) from None


def _decode(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


@contextlib.contextmanager
def running(seed: Mapping[str, Any] | str | Path | None = None) -> Iterator[Emulator]:
    """Start an emulator, and end it after the block.

    Args:
        seed: sites, chargers and tokens, as a dict or as the path of a JSON file; left out: two sites of a demo.

    Raises:
        StartError: the seed is not valid, or the extra `emulator` is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="plugchoice-emulator-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", __name__, "--port", "0", "--quiet", "--ready-file", str(folder / "ready")]
        if isinstance(seed, (str, Path)):
            command += ["--seed", str(seed)]
        elif seed is not None:
            (folder / "seed.json").write_text(json.dumps(seed), encoding="utf-8")
            command += ["--seed", str(folder / "seed.json")]
        with (folder / "log").open("wb") as log:
            # Ctrl-C ends this process, and with it the emulator; not the emulator first, while tests still use it.
            process = subprocess.Popen(  # noqa: S603 - our own module
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        try:
            ready = _when_ready(process, folder)
            yield Emulator(ready["base_url"], ready["control_url"], _first_token(seed))
        finally:
            _end(process)


def _first_token(seed: Mapping[str, Any] | str | Path | None) -> str | None:
    if isinstance(seed, (str, Path)):
        return _first_token(json.loads(Path(seed).read_text(encoding="utf-8")))
    return next(iter((DEFAULT_SEED if seed is None else seed).get("tokens", ())), None)


def _when_ready(process: subprocess.Popen[bytes], folder: Path) -> dict[str, Any]:
    give_up = time.monotonic() + _SECONDS_TO_START
    while not (folder / "ready").exists():
        if process.poll() is not None:
            log = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
            raise StartError(log.replace(str(folder / "seed.json"), "seed"))
        if time.monotonic() > give_up:
            raise StartError(f"The emulator is not ready after {_SECONDS_TO_START:.0f} s")
        time.sleep(0.01)
    ready: dict[str, Any] = json.loads((folder / "ready").read_text(encoding="utf-8"))
    return ready


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _exit_with_parent() -> None:
    """End this process when nobody holds the other end of standard input: the parent closed it, or is gone."""
    # Not through sys.stdin: an interpreter that ends while a thread holds its lock crashes.
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    sys.exit(main())
