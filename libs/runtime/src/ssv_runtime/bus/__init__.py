"""The bus (NATS): gossip and hints as they come, requests, state in key-value buckets, streams."""

from ssv_runtime.bus.bus import Bus
from ssv_runtime.bus.errors import BusError, BusRefused, BusTimeout, BusUnavailable, NoResponders
from ssv_runtime.bus.key_value import KeyValue, KvEntry
from ssv_runtime.bus.subscription import Message, Subscription

__all__ = [
    "Bus",
    "BusError",
    "BusRefused",
    "BusTimeout",
    "BusUnavailable",
    "KeyValue",
    "KvEntry",
    "Message",
    "NoResponders",
    "Subscription",
]
