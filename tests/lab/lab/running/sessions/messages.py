"""Messages of Systems Manager's sessions, as AWS's own client reads and writes them
(aws/session-manager-plugin, `src/message/messageparser.go`).
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

INPUT = "input_stream_data"
OUTPUT = "output_stream_data"
ACKNOWLEDGE = "acknowledge"
CLOSED = "channel_closed"
# What a payload is.
NONE, BYTES, SIZE, REQUEST, RESPONSE, COMPLETE, FLAG = 0, 1, 3, 5, 6, 7, 10
# What a flag wants.
TERMINATE = 2
# The first and the last of its stream.
ALONE = 3
SCHEMA = 1
# Everything before the payload's length.
HEADER = struct.Struct(">I32sIQqQ16s32sI")
LENGTH = struct.Struct(">I")


class Malformed(Exception):
    """Bytes that are no message."""


@dataclass(frozen=True)
class Message:
    """One message."""

    kind: str
    sequence: int
    payload_kind: int
    payload: bytes
    flags: int = 0
    id: uuid.UUID = field(default_factory=uuid.uuid4)

    def encode(self) -> bytes:
        """As bytes."""
        halves = self.id.bytes[8:] + self.id.bytes[:8]
        head = HEADER.pack(
            HEADER.size,
            self.kind.encode().ljust(32),
            SCHEMA,
            int(time.time() * 1000),
            self.sequence,
            self.flags,
            halves,
            hashlib.sha256(self.payload).digest(),
            self.payload_kind,
        )
        return head + LENGTH.pack(len(self.payload)) + self.payload


def decode(sent: bytes) -> Message:
    """The message that bytes are; Malformed where they are none."""
    try:
        size, kind, _, _, sequence, flags, halves, digest, payload_kind = HEADER.unpack_from(sent)
        (length,) = LENGTH.unpack_from(sent, size)
    except struct.error:
        raise Malformed from None
    payload = sent[size + LENGTH.size :]
    if len(payload) != length or (payload and hashlib.sha256(payload).digest() != digest):
        raise Malformed
    name = kind.strip(b"\0 ").decode("ascii", "replace")
    id = uuid.UUID(bytes=halves[8:] + halves[:8])
    return Message(name, sequence, payload_kind, payload, flags, id)


def acknowledging(message: Message) -> Message:
    """That a message has arrived."""
    content = {
        "AcknowledgedMessageType": message.kind,
        "AcknowledgedMessageId": str(message.id),
        "AcknowledgedMessageSequenceNumber": message.sequence,
        "IsSequentialMessage": True,
    }
    return Message(ACKNOWLEDGE, 0, NONE, json.dumps(content).encode(), ALONE)


def closed(session: str, text: str) -> Message:
    """That a session is over, and what there is to say of that."""
    content = {
        "MessageId": str(uuid.uuid4()),
        "CreatedDate": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "DestinationId": session,
        "SessionId": session,
        "MessageType": CLOSED,
        "SchemaVersion": SCHEMA,
        "Output": text,
    }
    return Message(CLOSED, 0, NONE, json.dumps(content).encode(), ALONE)


def content(message: Message) -> dict[str, Any]:
    """The JSON that a message has; Malformed where it has none."""
    try:
        read = json.loads(message.payload)
    except ValueError:
        raise Malformed from None
    if not isinstance(read, dict):
        raise Malformed
    return read
