"""What can be wrong with a local server; the message is written for the person at the terminal."""

from __future__ import annotations


class LocalStackError(Exception):
    """A local server cannot be had; one clear line, no traceback."""


class AlreadyRunningError(LocalStackError):
    """The data directory belongs to a server that runs already."""
