"""Spans: named pieces of work, for whoever traces. Where nobody does, entering one does nothing.

    with span("flush", shares=1_000):
        ...

As with metrics, one place per process: `deploy` hands a tracer in, the rooms know of no library.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol


class Tracer(Protocol):
    """Makes the spans."""

    def span(
        self, name: str, attributes: Mapping[str, int | str]
    ) -> AbstractContextManager[object]: ...


_NOTHING: Final = nullcontext()
_tracer: Tracer | None = None


def trace_with(tracer: Tracer | None) -> None:
    """From now on spans go there; None: nowhere."""
    global _tracer
    _tracer = tracer


def span(name: str, **attributes: int | str) -> AbstractContextManager[object]:
    """One piece of work. Names and texts are few and fixed; numbers say how much it was."""
    return _NOTHING if _tracer is None else _tracer.span(name, attributes)
