"""Message types of other people's protobuf, made at run time from a table of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]

_Field = descriptor_pb2.FieldDescriptorProto
TYPES: Mapping[str, int] = {
    "sint32": _Field.TYPE_SINT32,
    "sint64": _Field.TYPE_SINT64,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
    "double": _Field.TYPE_DOUBLE,
    "bool": _Field.TYPE_BOOL,
    # Text is read as bytes, so that broken UTF-8 in one field does not cost the whole message.
    "text": _Field.TYPE_BYTES,
}


class Record(Protocol):
    """A decoded message: its fields are attributes, defaults where they were not set."""

    def HasField(self, name: str) -> bool: ...  # noqa: N802  (protobuf's name)

    def __getattr__(self, name: str) -> Any: ...


class RecordType:
    """Decodes one proto2 message type; fields that are not in the table are passed over."""

    def __init__(self, name: str, fields: Mapping[int, tuple[str, str]]) -> None:
        """`fields`: number → (name, one of `TYPES`)."""
        file = descriptor_pb2.FileDescriptorProto(
            name=f"{name}.proto", package="hashgauge.feeds", syntax="proto2"
        )
        message = file.message_type.add(name=name)
        for number, (field, kind) in fields.items():
            message.field.add(
                name=field, number=number, type=TYPES[kind], label=_Field.LABEL_OPTIONAL
            )
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        descriptor = pool.FindMessageTypeByName(f"hashgauge.feeds.{name}")
        self._message: type[Message] = message_factory.GetMessageClass(descriptor)

    def decode(self, data: bytes) -> Record:
        """ValueError if `data` is not such a message."""
        try:
            record: Record = self._message.FromString(data)
        except DecodeError as error:
            raise ValueError(str(error)) from error
        return record

    def encode(self, **fields: Any) -> bytes:
        """The other way, for tests and for players of samples."""
        data: bytes = self._message(**fields).SerializeToString()
        return data
