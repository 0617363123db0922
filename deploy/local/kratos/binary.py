"""The program `kratos`: built on first use (some 4 minutes of one core), then kept in a cache."""

from __future__ import annotations

from pathlib import Path

from deploy.local.go import go_program


def kratos_binary() -> Path:
    """Path of the program. LocalStackError if it cannot be built."""
    return go_program(Path(__file__).parent, "github.com/ory/kratos", "-tags", "sqlite")
