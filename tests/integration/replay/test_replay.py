"""`hashgauge rebuild --shares`: wrong minutes are counted anew from the topic, exactly once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import LiteralString

import psycopg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from ingest.errors import FatalError
from tests.fixtures.until import until
from tests.integration.intake.process_main import FATAL
from tests.integration.intake.processes import Processes
from tests.integration.intake.share_pool import stored
from tests.integration.replay.damaged_topic import (
    END_S,
    SINCE_S,
    SLOW,
    Topic,
    damage,
    ends,
    hashgauge,
    replays,
    rows,
    since_option,
    taken_in,
)


@pytest.fixture
async def log(kafka_bootstrap: str, topic: str) -> AsyncIterator[Topic]:
    async with Topic(kafka_bootstrap, topic, seed=11) as opened:
        await opened.four_hours()
        yield opened


async def counted(bootstrap: str, log: Topic, database_url: str) -> None:
    """Everything is taken in; the minutes are the truth."""
    at_end = await ends(bootstrap, log.topic)
    there = taken_in(database_url)
    await until(lambda: there(at_end) and not replays(database_url))
    found, expected = stored(database_url), log.truth.expected
    assert {k: (found.get(k), v) for k, v in expected.items() if found.get(k) != v} == {}
    assert found == expected


async def test_damaged_minutes_are_counted_anew(
    log: Topic, bare_intakes: Processes, database_url: str, kafka_bootstrap: str
) -> None:
    """With late and early shares, repeats and bad messages; a dead letter goes out once."""
    first = bare_intakes.start(clock="records")
    await counted(kafka_bootstrap, log, database_url)
    letters = await ends(kafka_bootstrap, f"{log.topic}.dead-letter")
    await damage(database_url)
    assert stored(database_url) != log.truth.expected
    arguments = ("rebuild", "--shares", *since_option(), "--yes", "--no-wait")
    said = await hashgauge(database_url, kafka_bootstrap, log.topic, *arguments)
    assert "messages to read again" in said
    assert first.process.wait(30) == FATAL
    assert "hashgauge rebuild" in first.log
    shown = await hashgauge(database_url, kafka_bootstrap, log.topic, "offsets", "show")
    assert shown.count("counts anew since") == 4
    second = bare_intakes.start(clock="records")
    await counted(kafka_bootstrap, log, database_url)
    assert "dead_letters_not_sent_again" in second.log
    assert await ends(kafka_bootstrap, f"{log.topic}.dead-letter") == letters
    # What was sent before is known as before, and so is what the replay read.
    await log.again(300, END_S + 120)
    await counted(kafka_bootstrap, log, database_url)


async def test_killed_in_the_middle_with_two_processes_and_new_shares(
    log: Topic, bare_intakes: Processes, database_url: str, kafka_bootstrap: str
) -> None:
    running = [bare_intakes.start(**SLOW), bare_intakes.start(**SLOW)]
    await counted(kafka_bootstrap, log, database_url)
    await damage(database_url)
    await log.again(20, END_S)
    arguments = ("rebuild", "--shares", *since_option(END_S - 9_000), "--yes", "--no-wait")
    await hashgauge(database_url, kafka_bootstrap, log.topic, *arguments)
    for each in running:
        assert each.process.wait(30) == FATAL
    for number in range(5):
        # A group of its own: Kafka waits for members that were killed.
        pair = [bare_intakes.start(**SLOW, group_id=f"{log.topic}-{number}") for _ in range(2)]
        before = progress(database_url)
        for _ in range(5):
            await log.one(END_S)
        await until(lambda: progress(database_url) > before + 50)  # noqa: B023
        for each in pair:
            each.kill()
        assert replays(database_url)
    bare_intakes.start(**SLOW, group_id=f"{log.topic}-last")
    await log.close()
    await counted(kafka_bootstrap, log, database_url)


async def test_a_second_replay_takes_over_from_the_first(
    log: Topic, bare_intakes: Processes, database_url: str, kafka_bootstrap: str
) -> None:
    """The mistake was not mended yet: say it again, from the same instant or an earlier one."""
    bare_intakes.start(clock="records")
    await counted(kafka_bootstrap, log, database_url)
    arguments = ("rebuild", "--shares", "--yes", "--no-wait")
    await hashgauge(database_url, kafka_bootstrap, log.topic, *arguments, *since_option())
    before = progress(database_url)
    slow = bare_intakes.start(**SLOW)
    await until(lambda: progress(database_url) > before + 40)
    slow.kill()
    assert replays(database_url)
    await damage(database_url)
    with pytest.raises(FatalError, match="is not over"):
        await hashgauge(
            database_url, kafka_bootstrap, log.topic, *arguments, *since_option(SINCE_S + 60)
        )
    earlier = since_option(SINCE_S - 1_800)
    await hashgauge(database_url, kafka_bootstrap, log.topic, *arguments, *earlier)
    bare_intakes.start(clock="records")
    await counted(kafka_bootstrap, log, database_url)


async def test_dead_letters_sent_again_count_once(
    log: Topic, bare_intakes: Processes, database_url: str, kafka_bootstrap: str
) -> None:
    """A wrong setting kept an account out; its shares came back by hand, and by the replay."""
    strict = bare_intakes.start(clock="records", create_accounts=False)
    at_end = await ends(kafka_bootstrap, log.topic)
    there = taken_in(database_url)
    await until(lambda: there(at_end))
    assert stored(database_url) == {}
    assert await strict.stop() == 0
    bare_intakes.start(clock="records")
    await send_letters_again(kafka_bootstrap, log.topic)
    await counted(kafka_bootstrap, log, database_url)
    arguments = ("rebuild", "--shares", *since_option(), "--yes", "--no-wait")
    await hashgauge(database_url, kafka_bootstrap, log.topic, *arguments)
    bare_intakes.start(clock="records")
    await counted(kafka_bootstrap, log, database_url)


async def send_letters_again(bootstrap: str, topic: str) -> None:
    from aiokafka import AIOKafkaProducer

    from ingest.dead_letters.reader import read_dead_letters
    from ingest.dead_letters.replay import replay
    from schemas.topics import InvalidReason

    letters = read_dead_letters(
        bootstrap, f"{topic}.dead-letter", reasons=[InvalidReason.UNKNOWN_ACCOUNT]
    )
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        async for letter in letters:
            await replay(producer, letter, letter.written_ms)


def progress(database_url: str) -> int:
    (row,) = rows(database_url, "select sum(next_offset)::int8 from intake_partitions")
    return int(row[0])


async def refusal(database_url: str, bootstrap: str, topic: str, since_s: int) -> str:
    """Why a replay from `since_s` on is refused; nothing has changed then."""
    state: LiteralString = "select next_offset, owner_epoch from intake_partitions order by 1, 2"
    before, minutes = rows(database_url, state), stored(database_url)
    arguments = ("rebuild", "--shares", "--yes", *since_option(since_s))
    with pytest.raises(FatalError) as refused:
        await hashgauge(database_url, bootstrap, topic, *arguments)
    assert rows(database_url, state) == before
    assert stored(database_url) == minutes
    return str(refused.value)


async def test_what_could_not_be_made_whole_is_refused(
    log: Topic, bare_intakes: Processes, database_url: str, kafka_bootstrap: str
) -> None:
    async def refused(since_s: int = SINCE_S, topic: str = log.topic) -> str:
        return await refusal(database_url, kafka_bootstrap, topic, since_s)

    assert "nothing was counted" in await refused()
    bare_intakes.start(clock="records")
    await counted(kafka_bootstrap, log, database_url)
    assert "nothing was counted since" in await refused(END_S + 7_200)
    assert "minutes are kept since" in await refused(END_S - 4 * 86_400)
    assert "the log holds nothing from before" in await refused(END_S - 5 * 3_600)
    assert "the service follows topic" in await refused(topic=f"{log.topic}.dead-letter")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into retention_marks values ('worker_minutes', to_timestamp(%s))",
            (SINCE_S + 60,),
        )
    assert "minutes are kept since" in await refused()
    with psycopg.connect(database_url) as connection:
        connection.execute("delete from retention_marks")
    await cut(kafka_bootstrap, log.topic, partition=2, before=300)
    assert "the log of partitions [2] no longer reaches back" in await refused()
    # What the log still holds can be counted anew.
    later = since_option(END_S - 600)
    arguments = ("rebuild", "--shares", "--yes", "--no-wait", *later)
    await hashgauge(database_url, kafka_bootstrap, log.topic, *arguments)
    bare_intakes.start(clock="records")
    await counted(kafka_bootstrap, log, database_url)


async def cut(bootstrap: str, topic: str, *, partition: int, before: int) -> None:
    """As retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        at = TopicPartition(topic, partition)
        await admin.delete_records({at: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()
