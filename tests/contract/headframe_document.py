"""What the document of the Headframe API says of each of its 119 operations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "data/headframe/operations.json"


@dataclass(frozen=True, slots=True)
class Operation:
    """`number`: the place of its section in the document. `success` None: no success is shown.

    `or_method`: the document says only that something is modified; clients may use either.
    """

    number: int
    heading: str
    method: str
    path: str
    success: int | None
    codes: tuple[int, ...]
    request: Any = None
    sample: Any = None
    or_method: str | None = None
    csv_columns: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        return (self.method,) if self.or_method is None else (self.method, self.or_method)

    @property
    def title(self) -> str:
        return f"{self.number} {self.method} {self.path}"


def operations() -> dict[int, Operation]:
    found = (
        Operation(
            **entry
            | {name: tuple(entry[name]) for name in ("codes", "csv_columns") if name in entry}
        )
        for entry in json.loads(FILE.read_text())
    )
    return {operation.number: operation for operation in found}
