"""Dead letters on a real broker: sent, read back, replayed."""

from __future__ import annotations

import os

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ingest.dead_letters.letter import DeadLetter, dead_letters_of
from ingest.dead_letters.reader import read_dead_letters
from ingest.dead_letters.replay import NotReplayableError, replay
from ingest.dead_letters.sink import DeadLetterConfig, KafkaDeadLetterSink
from ingest.decode.decoder import Decoder
from ingest.errors import RetryableError
from ingest.kafka.record import PlainRecord, header
from schemas import topics
from schemas.batch import shares_of
from schemas.codec import encode_json
from schemas.share import Share, ShareResult
from schemas.topics import InvalidReason
from tests.unit.ingest.bad_messages import GOOD, NOW_MS

BAD = Share(NOW_MS, "harbor", "broken", -1.0, ShareResult.ACCEPTED, "eu-1")


@pytest.fixture
async def dead_topic(kafka_bootstrap: str, topic: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1), NewTopic(topic + "-dead", 2, 1)])
    await admin.close()
    return topic + "-dead"


def letters(topic: str) -> list[DeadLetter]:
    values = [encode_json([GOOD, BAD, GOOD]), b'{"timestamp": 1, "acc', None]
    records = [
        PlainRecord(value, [("trace", b"t")], NOW_MS, key, topic, partition=2, offset=at)
        for at, (value, key) in enumerate(zip(values, [b"key0", b"key1", None], strict=True))
    ]
    return dead_letters_of(Decoder().decode(records).invalid, records)


async def test_letters_are_sent_read_and_replayed(
    kafka_bootstrap: str, topic: str, dead_topic: str
) -> None:
    async with KafkaDeadLetterSink(DeadLetterConfig(kafka_bootstrap, dead_topic)) as sink:
        await sink.send(letters(topic))
    found = [each async for each in read_dead_letters(kafka_bootstrap, dead_topic)]
    by_origin = {each.origin_offset: each for each in found}
    assert len(found) == 3
    assert {each.reason for each in found} == {
        InvalidReason.BAD_DIFFICULTY, InvalidReason.MALFORMED_JSON, InvalidReason.EMPTY,
    }  # fmt: skip
    only = read_dead_letters(kafka_bootstrap, dead_topic, reasons=[InvalidReason.EMPTY])
    assert [each.origin_offset async for each in only] == [2]

    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all") as producer:
        await replay(producer, by_origin[0], by_origin[0].written_ms)
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        record = await consumer.getone()
    assert (record.partition, record.timestamp, record.key) == (2, NOW_MS, b"key0")
    assert header(record.headers, topics.PRODUCER_ID) == f"dead-letter/{topic}/2/0".encode()
    decoded = Decoder().decode([record])
    assert list(shares_of(decoded.batch)) == []
    assert decoded.invalid[0].share_reasons() == [(0, InvalidReason.BAD_DIFFICULTY)]


async def test_letters_since_a_time(kafka_bootstrap: str, topic: str, dead_topic: str) -> None:
    async with KafkaDeadLetterSink(DeadLetterConfig(kafka_bootstrap, dead_topic)) as sink:
        await sink.send(letters(topic))
    written = [each.written_ms async for each in read_dead_letters(kafka_bootstrap, dead_topic)]
    later = read_dead_letters(kafka_bootstrap, dead_topic, since_ms=max(written) + 1)
    assert [each async for each in later] == []
    all_of_them = read_dead_letters(kafka_bootstrap, dead_topic, since_ms=min(written))
    assert len([each async for each in all_of_them]) == 3


async def test_value_that_no_topic_takes_is_left_out_but_named(
    kafka_bootstrap: str, topic: str, dead_topic: str
) -> None:
    """Above the client's limit, and between the broker's and the client's."""
    record = PlainRecord(os.urandom(3_000_000), [], NOW_MS, topic=topic, offset=4)
    letter = dead_letters_of(Decoder().decode([record]).invalid, [record])
    for limit in (1_000_000, 10_000_000):
        config = DeadLetterConfig(kafka_bootstrap, dead_topic, max_message_bytes=limit)
        async with KafkaDeadLetterSink(config) as sink:
            await sink.send(letter)
    found = [each async for each in read_dead_letters(kafka_bootstrap, dead_topic)]
    assert [each.value for each in found] == [b"", b""]
    assert {each.detail for each in found} == {"value of 3000000 bytes left out"}
    assert {each.origin_offset for each in found} == {4}


async def test_message_that_passed_compressed_is_kept_whole(
    kafka_bootstrap: str, topic: str, dead_topic: str
) -> None:
    value = encode_json([BAD] * 25_000 + [GOOD])
    assert len(value) > 2_000_000
    record = PlainRecord(value, [], NOW_MS, topic=topic, offset=4)
    async with KafkaDeadLetterSink(DeadLetterConfig(kafka_bootstrap, dead_topic)) as sink:
        await sink.send(dead_letters_of(Decoder().decode([record]).invalid, [record]))
    [found] = [each async for each in read_dead_letters(kafka_bootstrap, dead_topic)]
    assert found.value == value
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        with pytest.raises(NotReplayableError, match="no message of"):
            await replay(producer, found, found.written_ms)


async def test_what_is_no_letter_is_passed_over(
    kafka_bootstrap: str, topic: str, dead_topic: str
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        for partition in range(2):
            await producer.send_and_wait(dead_topic, b"a stranger's", partition=partition)
    async with KafkaDeadLetterSink(DeadLetterConfig(kafka_bootstrap, dead_topic)) as sink:
        await sink.send(letters(topic))
    assert len([each async for each in read_dead_letters(kafka_bootstrap, dead_topic)]) == 3


async def test_headers_and_key_that_no_topic_takes_do_not_hold_up_the_rest(
    kafka_bootstrap: str, topic: str, dead_topic: str
) -> None:
    """Also where the list of bad shares is long, in a message that other compression let pass."""
    noise = os.urandom(2_000_000)
    share = '{"timestamp":%d,"account_name":"acme","worker_name":"w","difficulty":%d,"result":"%s"}'
    alternating = ",".join(
        share % (NOW_MS, place % 2, noise[place * 15 : place * 15 + 15].hex())
        for place in range(70_000)
    )
    records = [
        PlainRecord(b"?", [("trace", noise)], NOW_MS, topic=topic, offset=1),
        PlainRecord(b"?", [], NOW_MS, key=noise, topic=topic, offset=2),
        PlainRecord(f"[{alternating}]".encode(), [], NOW_MS, topic=topic, offset=3),
        PlainRecord(b"?", [("trace", b"x")], NOW_MS, key=b"k", topic=topic, offset=4),
    ]
    sent = dead_letters_of(Decoder().decode(records).invalid, records)
    async with KafkaDeadLetterSink(DeadLetterConfig(kafka_bootstrap, dead_topic)) as sink:
        await sink.send(sent)
    letters_found = [each async for each in read_dead_letters(kafka_bootstrap, dead_topic)]
    found = sorted(letters_found, key=lambda each: each.origin_offset)
    assert [each.origin_offset for each in found] == [1, 2, 3, 4]
    assert [each.value for each in found[:3]] == [b"", b"", b""]
    assert (found[3].key, found[3].value, found[3].headers) == (b"k", b"?", (("trace", b"x"),))


async def test_no_broker_is_retryable(topic: str) -> None:
    async with KafkaDeadLetterSink(DeadLetterConfig("127.0.0.1:1", topic)) as sink:
        with pytest.raises(RetryableError):
            await sink.send(letters(topic))
        await sink.send([])


@pytest.mark.parametrize(("days", "wanted"), [(90, "7776000000"), (7, "604800000"), (0, "-1")])
async def test_its_topic_is_made_with_a_retention_of_its_own(
    kafka_bootstrap: str, topic: str, days: int, wanted: str
) -> None:
    """Whatever the broker keeps by default."""
    config = DeadLetterConfig(kafka_bootstrap, f"{topic}.new", create_retention_days=days)
    async with KafkaDeadLetterSink(config) as sink:
        await sink.send(letters(topic))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, config.topic)
        (answer,) = await admin.describe_configs([resource])
    finally:
        await admin.close()
    found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert found["retention.ms"] == wanted
