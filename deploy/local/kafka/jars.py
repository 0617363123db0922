"""Kafka's jars, as the pinned `pom.xml` says."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from deploy.local.cache import cached_folder
from deploy.local.maven import gather_jars

_POM: Final = Path(__file__).with_name("pom.xml")


def jars() -> Path:
    """The folder that holds the jars, filled on first use (43 MB; about 10 s)."""
    return cached_folder("kafka", [_POM], partial(gather_jars, _POM))
