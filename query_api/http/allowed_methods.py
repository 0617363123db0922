"""Which methods a path has, over all its routes: for 405 and its `Allow` header."""

from __future__ import annotations

from collections.abc import Mapping
from re import Pattern
from typing import Any, Final

from starlette.routing import compile_path

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""For machines that watch the service: no credential, no limit of rate."""


class AllowedMethods:
    """Made from the paths of the OpenAPI document. HEAD is allowed with GET.

    A path without parameters may also fit a route with one (`/workers/charts` and `/workers/{id}`);
    it has its own methods alone.
    """

    def __init__(self, paths: Mapping[str, Mapping[str, Any]]) -> None:
        self._fixed = {path: _upper(methods) for path, methods in paths.items() if "{" not in path}
        self._patterns: list[tuple[Pattern[str], frozenset[str]]] = [
            (compile_path(path)[0], _upper(methods))
            for path, methods in paths.items()
            if "{" in path
        ]

    def lacks(self, path: str, method: str) -> bool:
        """Is it a fixed path without that method? OPTIONS is left to those who know it."""
        methods = self._fixed.get(path)
        return methods is not None and method not in methods and method != "OPTIONS"

    def allow(self, path: str) -> str:
        """The `Allow` header of a path."""
        methods = self._fixed.get(path)
        if methods is None:
            fitting = (found for pattern, found in self._patterns if pattern.match(path))
            methods = frozenset().union(*fitting)
        return ", ".join(sorted(methods))


def _upper(methods: Mapping[str, Any]) -> frozenset[str]:
    upper = frozenset(method.upper() for method in methods)
    return upper | {"HEAD"} if "GET" in upper else upper
