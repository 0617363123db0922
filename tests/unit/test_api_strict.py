"""Query parameters that a route does not declare are mistakes."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import Query, Request
from fastapi.routing import APIRoute

from query_api.errors import InvalidInputError
from query_api.strict import refuse_unknown_parameters


async def takes_period(period: str) -> None: ...


async def takes_ids(id: Annotated[list[str], Query()]) -> None: ...  # noqa: A002 - the parameter's name


def asked(endpoint, query):
    """A request to a route that nobody else holds."""
    route = APIRoute("/", endpoint)
    return Request({"type": "http", "route": route, "query_string": query, "headers": []})


@pytest.mark.parametrize("query", [b"", b"period=P1D"])
def test_what_is_declared_is_taken(query):
    refuse_unknown_parameters(asked(takes_period, query))


@pytest.mark.parametrize(
    ("query", "words"), [(b"day=1", "day: no such"), (b"period=1&period=2", "more than once")]
)
def test_what_is_not_is_named(query, words):
    with pytest.raises(InvalidInputError, match=words):
        refuse_unknown_parameters(asked(takes_period, query))


def test_a_route_in_the_memory_of_one_that_is_gone_has_its_own_parameters():
    for _ in range(20):
        refuse_unknown_parameters(asked(takes_period, b"period=P1D"))
        refuse_unknown_parameters(asked(takes_ids, b"id=1"))
