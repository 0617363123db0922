"""The order that people count in: unit4, unit39, unit46.

Every run of digits is filled up with zeros to `DIGITS`; longer runs keep theirs. Keys compare by
their bytes; names of one key (`rig1`, `rig01`) by theirs. The database does the same
(`hashgauge_natural_key`), and so does the worker index of the API.
"""

from __future__ import annotations

import re
from typing import Final

DIGITS: Final = 20
"""More than a 64 bit number has."""

RUN: Final = "([0-9]+)"
FILLED: Final = "0" * (DIGITS - 1)
TOO_LONG: Final = f"0{{0,{DIGITS - 1}}}([0-9]{{{DIGITS},}})"
"""A filled run: as many of the zeros as leave `DIGITS` go again."""


def natural_key(name: str) -> str:
    """
    >>> sorted(["unit46", "unit4", "unit39"], key=natural_key)
    ['unit4', 'unit39', 'unit46']
    """
    filled = re.sub(RUN, lambda run: FILLED + run[0], name)
    return re.sub(TOO_LONG, lambda run: run[1], filled)
