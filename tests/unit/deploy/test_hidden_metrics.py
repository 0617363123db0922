"""Metrics are not for the public port, unless somebody asks for it."""

from __future__ import annotations

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deploy.settings.settings import Settings
from deploy.wiring.public import guarded, metrics_service

KEY = "an-internal-key-of-32-characters-or-more"


def app() -> Starlette:
    async def answer(request: object) -> PlainTextResponse:
        return PlainTextResponse("here")

    paths = ("/metrics", "/healthz", "/metricsx")
    return Starlette(routes=[Route(path, answer) for path in paths])


async def statuses(settings: Settings) -> dict[str, int]:
    transport = httpx2.ASGITransport(app=guarded(app(), settings))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        found = {}
        for path in ("/metrics", "/metrics/", "/healthz", "/metricsx"):
            found[path] = (await client.get(path)).status_code
            head = await client.head(path)
            assert (head.status_code, head.content) == (found[path], b"")
    return found


def settings(**changes: object) -> Settings:
    return Settings().model_copy(update=changes)


@pytest.mark.parametrize("open_access", [True, False])
async def test_hidden_unless_asked_for(*, open_access: bool) -> None:
    from pydantic import SecretStr

    changes = {"open_access": True} if open_access else {"internal_api_key": SecretStr(KEY)}
    hidden = await statuses(settings(**changes))
    assert hidden == {"/metrics": 404, "/metrics/": 404, "/healthz": 200, "/metricsx": 200}
    shown = await statuses(settings(**changes, public_metrics=True))
    assert shown["/metrics"] == 200


def test_they_have_a_port_of_their_own_if_one_is_named() -> None:
    assert metrics_service(settings()) == {}
    assert list(metrics_service(settings(http_monitor_port=9464))) == ["monitor"]
