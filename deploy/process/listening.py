"""The sockets that our servers listen on: bound by us, so that a failure is one clear line."""

from __future__ import annotations

import errno
import socket


class ListenError(Exception):
    """An address that cannot be listened on; the message says why, and what to do."""


def listen(host: str, port: int, *, port_from: str) -> socket.socket:
    """A socket for a server to listen on. `port_from`: what a person sets the port with."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            text = f"port {port} on {host} is taken: choose another one with {port_from}"
        else:
            text = f"cannot listen on {host}, port {port}: {error.strerror}"
        raise ListenError(text) from None
    return listener
