"""Our own record: signed anew, with a higher sequence number, whenever what it says changes.

Source: discv5-theory.md, *Maintaining The Local Node Record*.
"""

from collections.abc import Mapping

from ssv_discv5 import rlp
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.record import Record
from ssv_discv5.identity import PrivateKey
from ssv_discv5.rlp import Item


class LocalRecord:
    """The current record of the holder of `key`.

    `seq` should exceed that of every earlier life of the key: the time in milliseconds will do.
    """

    def __init__(self, key: PrivateKey, seq: int, pairs: Mapping[bytes, Item]) -> None:
        self._key = key
        self._pairs = dict(pairs)
        self.record = Record.sign(key, seq, self._pairs)

    def update(self, changes: Mapping[bytes, Item | None]) -> bool:
        """Set keys, or remove those given as None; return whether that made a new record.

        Raises OversizeError, and then changes nothing.
        """
        pairs = {key: value for key, value in {**self._pairs, **changes}.items() if value is not None}
        if pairs == self._pairs:
            return False
        self.record = Record.sign(self._key, self.record.seq + 1, pairs)
        self._pairs = pairs
        return True


def endpoint_pairs(endpoint: Endpoint) -> dict[bytes, Item]:
    """Return the key/value pairs that say where discovery reaches us."""
    suffix = b"" if endpoint.ip.version == 4 else b"6"
    return {b"ip" + suffix: endpoint.ip.packed, b"udp" + suffix: rlp.encode_uint(endpoint.port)}
