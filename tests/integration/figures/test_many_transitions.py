"""A whole pool falls silent in one minute: ids are made in pieces, before the write begins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus

from aggregator.figures.status import store
from schemas.worker import event_id
from tests.integration.figures.fake_intake import FakeIntake, Work
from tests.integration.figures.leader_term import Term

pytestmark = pytest.mark.postgres
WORKERS = 50
PIECE = 7


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as opened:
        yield opened


async def test_events_are_numbered_without_a_gap(connection: AsyncConnection[Any]) -> None:
    """In the order in which they happened, the server's silence before that of its workers; a write
    that failed took no number."""
    intake = FakeIntake(connection)
    await intake.set_up(workers=WORKERS)
    term = await Term.begin(connection)
    for minute in range(11):
        work = [Work(minute, worker, 8.0, source=1) for worker in range(1, WORKERS + 1)]
        await intake.flush(work, stream=minute + 1)
    await term.cycle()
    await intake.flush([], stream=600)
    await connection.execute(
        "create function refuse() returns trigger language plpgsql as"
        " 'begin raise check_violation; end'"
    )
    await connection.execute(
        "create constraint trigger refused after insert on events deferrable initially deferred"
        " for each row execute function refuse()"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        await term.cycle()
    await connection.execute("drop trigger refused on events")
    await term.cycle()
    cursor = await connection.execute("select sequence, kind from events order by sequence")
    rows = await cursor.fetchall()
    assert [sequence for sequence, _ in rows] == list(range(1, len(rows) + 1))
    kinds = [kind for _, kind in rows]
    assert kinds[WORKERS] == "source-silent"
    assert kinds.count("worker-status-changed") == len(rows) - 1 == 2 * WORKERS
    cursor = await connection.execute("select newest from event_sequence")
    assert await cursor.fetchone() == (len(rows),)


async def test_events_of_a_silent_pool_are_made_in_pieces_outside_the_write(
    connection: AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = FakeIntake(connection)
    await intake.set_up(workers=WORKERS)
    term = await Term.begin(connection)
    await intake.flush([Work(0, worker, 8.0) for worker in range(1, WORKERS + 1)], stream=1)
    await term.cycle()
    pieces: list[int] = []
    made = store._event_ids

    def noted(uids: Any, piece: Any) -> Any:
        assert connection.info.transaction_status is TransactionStatus.IDLE
        pieces.append(len(piece))
        return made(uids, piece)

    monkeypatch.setattr(store, "_PIECE", PIECE)
    monkeypatch.setattr(store, "_event_ids", noted)
    await intake.flush([], stream=600)
    await term.cycle()
    assert pieces == [*[PIECE] * (WORKERS // PIECE), WORKERS % PIECE]
    cursor = await connection.execute(
        "select events.event_id, workers.uid, transition_number, at from events "
        "join workers on workers.id = worker_id where to_status = 'unavailable' order by events.id"
    )
    rows = await cursor.fetchall()
    assert [found for found, *_ in rows] == [event_id(UUID(str(uid)), n) for _, uid, n, _ in rows]
    assert len({uid for _, uid, _, _ in rows}) == WORKERS
    assert [at for *_, at in rows] == sorted(at for *_, at in rows)
