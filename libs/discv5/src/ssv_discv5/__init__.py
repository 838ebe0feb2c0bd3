"""Node Discovery v5.1: records, packets, sessions, table and lookups; asyncio UDP only at the edge.

`Discovery` is what a service uses; everything below it takes time and randomness as arguments and does no I/O.
"""

from ssv_discv5.discovery import LEGACY, SSV, Discovery, DiscoverySettings
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.local import endpoint_pairs
from ssv_discv5.enr.record import Record
from ssv_discv5.enr.text import from_text, to_text
from ssv_discv5.errors import Discv5Error, MalformedError, OversizeError, RequestFailedError
from ssv_discv5.identity import PrivateKey

__all__ = [
    "LEGACY",
    "SSV",
    "Discovery",
    "DiscoverySettings",
    "Discv5Error",
    "Endpoint",
    "MalformedError",
    "OversizeError",
    "PrivateKey",
    "Record",
    "RequestFailedError",
    "endpoint_pairs",
    "from_text",
    "to_text",
]
