"""An S3 of the tests, on loopback: moto's server in this process."""

from __future__ import annotations

import contextlib
import logging
import uuid
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the CLI needs in its environment; moto takes any.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start a server with an empty bucket, and give the URL of that bucket for a Pulumi backend."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        bucket = f"state-{uuid.uuid4().hex}"
        requests.put(f"http://{host}:{port}/{bucket}", timeout=10).raise_for_status()
        yield f"s3://{bucket}?region=us-east-1&endpoint=http://{host}:{port}&s3ForcePathStyle=true"
    finally:
        server.stop()
