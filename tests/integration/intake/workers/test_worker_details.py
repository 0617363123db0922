"""What shares say of workers beside their work, flushed by several processes."""

from __future__ import annotations

from dataclasses import replace

from aggregator.intake.flush import Writer
from schemas.runtime.clock import SystemClock
from tests.integration.intake.flushing import NOON_S, Flushing, rows, share


async def test_details_of_workers_are_the_best_and_the_newest_of_all_processes(
    bench: Flushing, database_url: str
) -> None:
    claim = await bench.claim()
    first = [
        replace(share(1), share_difficulty=50.0, agent="old"),
        replace(share(2, "b"), share_difficulty=3.0),
    ]
    await bench.flush(await bench.checkpoint(claim, *first))
    later = [
        replace(share(3), share_difficulty=7.0, agent="new"),
        replace(share(4, "b", result=1), share_difficulty=900.0),
        share(5, "c"),
    ]
    await bench.flush(await bench.checkpoint(claim, *later, from_offset=10, to=20))
    # Another process, which knows nothing of what this one wrote.
    bench.writer = Writer(bench.config, bench.registry, SystemClock())
    late = [replace(share(0), share_difficulty=60.0, agent="older")]
    await bench.flush(await bench.checkpoint(claim, *late, from_offset=20, to=30))
    found = rows(
        database_url,
        "select name, best_difficulty, extract(epoch from best_at)::int8, agent "
        "from worker_details join workers on workers.id = worker_id order by name",
    )
    assert found == [("b", 3.0, NOON_S + 2, None), ("rig", 60.0, NOON_S, "new")]
