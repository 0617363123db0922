"""The API as a real server on a port of its own, in a thread of this process."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn

from deploy.process.bounded_http import http_config
from query_api.app import create_app
from query_api.config import ApiConfig


@contextlib.contextmanager
def running_api(config: ApiConfig) -> Iterator[str]:
    """Its base address. The socket listens before the thread starts, so that nobody has to wait."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(http_config(create_app(config), host="127.0.0.1", port=0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listener.close()
