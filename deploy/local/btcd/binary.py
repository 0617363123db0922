"""The program `btcd`: built on first use (13 s; 66 s with an empty cache of Go), then kept in a
cache."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.local.go import go_program

_SMALL: Final = ("-trimpath", "-ldflags", "-s -w")


def btcd() -> Path:
    """Path of the program. LocalStackError if it cannot be built."""
    return go_program(Path(__file__).parent, "github.com/btcsuite/btcd", *_SMALL, cgo=False)
