"""Writes the OpenAPI document of the default settings into the tree."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from query_api.app import create_app
from query_api.config import ApiConfig, DatabaseConfig
from query_api.contract.openapi import text_of

FILE: Final = Path(__file__).parent / "contract" / "openapi.json"


def document() -> bytes:
    return text_of(create_app(ApiConfig(DatabaseConfig(url=""))).openapi())


if __name__ == "__main__":
    FILE.write_bytes(document())
