"""Named SQL: statements live in `.sql` files, are loaded once, and are found by name.

A file is a sequence of blocks, each `-- name: snake_name`, a comment that says what it is for, and
the statement:

    -- name: miner_by_uid
    -- The inner id of a miner.
    -- params: uid
    select id from miners where uid = $1
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_NAME: Final = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


@cache
def load(package: str, file: str) -> Mapping[str, str]:
    """Name → statement, of `file` (a path inside `package`), without the semicolon at the end.

    FileNotFoundError if there is no such file, ValueError for a file that `parse` refuses.
    """
    text = files(package).joinpath(file).read_text("utf-8")
    try:
        return parse(text)
    except ValueError as error:
        message = f"{package}/{file}: {error}"
        raise ValueError(message) from None


def parse(text: str) -> Mapping[str, str]:
    """Statements by name; ValueError for a name used twice, and for a block without SQL.

    Comment lines stay in the statement: they show in `pg_stat_activity`, where they help.
    """
    head, *parts = _NAME.split(text)
    if _without_comments(head):
        message = "SQL before the first '-- name:'"
        raise ValueError(message)
    statements: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in statements:
            message = f"{name} stands there twice"
            raise ValueError(message)
        if not _without_comments(body):
            message = f"{name} has no statement"
            raise ValueError(message)
        statements[name] = body.strip().removesuffix(";")
    return MappingProxyType(statements)


def _without_comments(sql: str) -> str:
    return "\n".join(
        line for line in sql.splitlines() if not line.lstrip().startswith("--")
    ).strip()
