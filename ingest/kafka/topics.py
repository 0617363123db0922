"""Makes a topic where it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

log = structlog.get_logger(__name__)


async def ensure_topic(
    bootstrap_servers: str,
    topic: str,
    *,
    partitions: int,
    replication: int,
    settings: Mapping[str, str] | None = None,
    client: Mapping[str, Any] | None = None,
) -> None:
    """Create the topic unless it exists. Brokers that can't (the embedded one) create it on first
    use; one that is away or forbids it is for the caller to find out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, **(client or {}))
    wanted = NewTopic(topic, partitions, replication, topic_configs=dict(settings or {}))
    try:
        await admin.start()
        await admin.create_topics([wanted])
    except TopicAlreadyExistsError:
        pass
    except (KafkaError, OSError, AttributeError) as error:
        # AttributeError: aiokafka finds no controller in the embedded broker's metadata.
        log.debug("topic_not_created", topic=topic, error=repr(error))
    finally:
        await admin.close()
