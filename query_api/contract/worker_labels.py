"""What people write on workers: tags, a group, a note. All of it is beyond the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BeforeValidator, Field

from query_api.contract.requests import Body, Typed
from query_api.contract.shape import JsonObject, Shape
from schemas.names.titles import SHOWN, TURNS, shown

WORKERS_MAX: Final = 1_000
TAGS_MAX: Final = 20
NOTE_MAX: Final = 2_000
# As a title, and without what separates tags from each other in files.
_TAG: Final = shown(rf"\s,;\x00-\x1f{TURNS}")
# As a title, with tabs and line feeds.
_LINES: Final = shown(rf"\x00-\x08\x0b-\x1f{TURNS}")


def _lines(value: Any) -> Any:
    """Line ends of any system."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


Tag = Annotated[str, Field(min_length=1, max_length=40, pattern=_TAG, examples=["s21"]), Typed]
GroupName = Annotated[
    str, Field(min_length=1, max_length=60, pattern=SHOWN, examples=["Hall 3"]), Typed
]
Note = Annotated[
    str,
    Field(min_length=1, max_length=NOTE_MAX, pattern=_LINES),
    Typed,
    BeforeValidator(_lines),
]
Tags = Annotated[list[Tag], Field(max_length=TAGS_MAX)]


class Labels(Shape):
    """Tags in alphabetical order, at most 20."""

    tags: list[Tag]
    group: GroupName | None
    note: Note | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any] | None) -> JsonObject:
        if row is None:
            return {"tags": [], "group": None, "note": None}
        return {"tags": row["tags"], "group": row["group_name"], "note": row["note"]}


class LabelCount(Shape):
    name: str
    workers: int


class LabelCounts(Shape):
    """By name. Removed workers do not count."""

    tags: list[LabelCount]
    groups: list[LabelCount]


class ChangedLabels(Body):
    """What is not named stays as it is; a group or a note of null is taken away. A tag that is
    added and removed is removed."""

    worker_ids: Annotated[list[UUID], Field(min_length=1, max_length=WORKERS_MAX)]
    add_tags: Tags | None = None
    remove_tags: Tags | None = None
    group: GroupName | None = None
    note: Note | None = None


class LabelledWorker(Shape):
    id: UUID
    labels: Labels


class LabelledWorkers(Shape):
    data: list[LabelledWorker]
