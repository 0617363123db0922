"""Query parameters that a route does not declare are ignored and named; twice is a mistake."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import Query, Request
from fastapi.routing import APIRoute

from query_api.http.errors import InvalidInputError
from query_api.http.query_params import check_query, header_of, unknown_names


async def takes_period(period: str) -> None: ...


async def takes_ids(id: Annotated[list[str], Query()]) -> None: ...  # noqa: A002 - the parameter's name


def asked(endpoint, query):
    """A request to a route that nobody else holds."""
    route = APIRoute("/", endpoint)
    return Request({"type": "http", "route": route, "query_string": query, "headers": []})


@pytest.mark.parametrize("query", [b"", b"period=P1D"])
def test_what_is_declared_is_taken(query):
    check_query(asked(takes_period, query))


def test_what_is_not_is_named():
    found = []
    unknown_names.set(found)
    check_query(asked(takes_period, b"day=1&period=P1D&day=2&%C3%A4=1"))
    assert header_of(found) == b"day, %C3%A4"


def test_twice_is_a_mistake():
    with pytest.raises(InvalidInputError, match="more than once"):
        check_query(asked(takes_period, b"period=1&period=2"))


def test_a_header_of_names_has_an_end():
    assert len(header_of(f"{number}{'x' * 500}" for number in range(500))) < 2_000


def test_a_route_in_the_memory_of_one_that_is_gone_has_its_own_parameters():
    for _ in range(20):
        check_query(asked(takes_period, b"period=P1D"))
        check_query(asked(takes_ids, b"id=1"))
