"""The schema of the specification in the stock protobuf library, to compare with."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_BYTES, _STRING, _BOOL, _UINT64, _MESSAGE = (
    _FIELD.TYPE_BYTES,
    _FIELD.TYPE_STRING,
    _FIELD.TYPE_BOOL,
    _FIELD.TYPE_UINT64,
    _FIELD.TYPE_MESSAGE,
)
# message: (name, number, type or message name, repeated)
_SCHEMA: dict[str, list[tuple[str, int, Any, bool]]] = {
    "SubOpts": [("subscribe", 1, _BOOL, False), ("topicid", 2, _STRING, False)],
    "Message": [
        ("author", 1, _BYTES, False),
        ("data", 2, _BYTES, False),
        ("seqno", 3, _BYTES, False),
        ("topic", 4, _STRING, False),
        ("signature", 5, _BYTES, False),
        ("key", 6, _BYTES, False),
    ],
    "IHave": [("topic", 1, _STRING, False), ("ids", 2, _BYTES, True)],
    "IWant": [("ids", 1, _BYTES, True)],
    "Graft": [("topic", 1, _STRING, False)],
    "PeerInfo": [("peer", 1, _BYTES, False), ("record", 2, _BYTES, False)],
    "Prune": [("topic", 1, _STRING, False), ("peers", 2, "PeerInfo", True), ("backoff", 3, _UINT64, False)],
    "IDontWant": [("ids", 1, _BYTES, True)],
    "Control": [
        ("ihave", 1, "IHave", True),
        ("iwant", 2, "IWant", True),
        ("graft", 3, "Graft", True),
        ("prune", 4, "Prune", True),
        ("idontwant", 5, "IDontWant", True),
    ],
    "RPC": [("subscriptions", 1, "SubOpts", True), ("publish", 2, "Message", True), ("control", 3, "Control", False)],
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="gossip_test.proto", package="gossip_test", syntax="proto2")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind, repeated in fields:
            label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = _MESSAGE, f".gossip_test.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"gossip_test.{name}")) for name in _SCHEMA
    }


StockRpc = _classes()["RPC"]
