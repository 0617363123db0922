"""Thresholds of a miner: alerts beside silence, each with its bound and how long it must last."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.alerts.thresholds import (
    ChangedThreshold,
    NewThreshold,
    Threshold,
    ThresholdList,
)
from query_api.contract.responses import CONFLICT
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import InvalidInputError, NotFoundError
from query_api.http.responses import json_as_known, json_response, no_content
from query_api.store.alerts import thresholds
from query_api.store.alerts.thresholds import Rule
from query_api.store.entities import Entity
from schemas.access import EntityKind
from schemas.messages.thresholds import Metric, ThresholdWindow

router = APIRouter(prefix="/miners/{miner_id}/thresholds", tags=["alerts"])


async def _miner(context: Context, caller: Caller, uid: UUID, action: Action) -> Entity:
    return await entity_for(context, caller, kind=EntityKind.MINER, uid=uid, action=action)


def _window(metric: Metric, window: ThresholdWindow | None) -> ThresholdWindow | None:
    """An hour if none is named; a count of workers has none."""
    if metric is not Metric.UNAVAILABLE_WORKERS:
        return window or ThresholdWindow.HOUR
    if window is not None:
        raise InvalidInputError("body window: a count of workers is no average")
    return None


async def _shown(context: Context, miner: Entity, uid: UUID) -> Response:
    row = await thresholds.find(context.database, miner.id, uid)
    if row is None:
        raise NotFoundError("no such threshold")
    return json_response(Threshold.from_row(row))


@router.get("", response_model=ThresholdList)
async def list_thresholds(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """What the miner is alerted of beside silence, with each rule's last figure and its error."""
    miner = await _miner(context, caller, miner_id, Action.READ_TELEMETRY)
    rows = await thresholds.of_miner(context.database, miner.id)
    return await json_as_known(context, {"data": [Threshold.from_row(row) for row in rows]})


@router.post("", response_model=Threshold, responses=CONFLICT)
async def create_threshold(
    context: Ctx, caller: Who, miner_id: UUID, body: NewThreshold
) -> Response:
    """Alert when a figure is beyond a bound for a while, by more than chance.

    It goes to those who hear of the miner's workers: webhooks (`threshold.crossed`,
    `threshold.cleared`), Telegram, e-mail."""
    miner = await _miner(context, caller, miner_id, Action.CHANGE)
    worker_id = None
    if body.worker_id is not None:
        if body.metric is Metric.UNAVAILABLE_WORKERS:
            raise InvalidInputError("body worker_id: one worker is no count of workers")
        worker_id = await thresholds.worker_id(context.database, miner.id, body.worker_id)
        if worker_id is None:
            raise NotFoundError("the miner has no such worker")
    rule = Rule(body.bound, _window(body.metric, body.window), body.for_seconds)
    uid = await thresholds.create(
        context.database, miner.id, metric=body.metric, worker_id=worker_id, rule=rule
    )
    return await _shown(context, miner, uid)


@router.patch("/{threshold_id}", response_model=Threshold)
async def change_threshold(
    context: Ctx, caller: Who, miner_id: UUID, threshold_id: UUID, body: ChangedThreshold
) -> Response:
    """Another bound, window or length, or quiet until a time."""
    miner = await _miner(context, caller, miner_id, Action.CHANGE)
    row = await thresholds.find(context.database, miner.id, threshold_id)
    if row is None:
        raise NotFoundError("no such threshold")
    old = row["window_name"] and ThresholdWindow(row["window_name"])
    rule = Rule(
        bound=row["bound"] if body.bound is None else body.bound,
        window=_window(Metric(row["metric"]), body.window or old),
        for_s=row["for_s"] if body.for_seconds is None else body.for_seconds,
        muted_until=(
            body.muted_until if "muted_until" in body.model_fields_set else row["muted_until"]
        ),
    )
    await thresholds.change(context.database, miner.id, threshold_id, rule)
    return await _shown(context, miner, threshold_id)


@router.delete("/{threshold_id}", status_code=204)
async def delete_threshold(
    context: Ctx, caller: Who, miner_id: UUID, threshold_id: UUID
) -> Response:
    """No alert of it any more."""
    miner = await _miner(context, caller, miner_id, Action.CHANGE)
    if not await thresholds.delete(context.database, miner.id, threshold_id):
        raise NotFoundError("no such threshold")
    return no_content()
