"""The well-known secret keys of test networks: everybody can derive validator i's key.

They protect nothing, which is why the devnet's genesis uses them.

Source: eth2.0-pm, interop/mocked_start.
"""

from __future__ import annotations

from hashlib import sha256

from ssv_protocol.crypto.bls import CURVE_ORDER, SecretKey
from ssv_protocol.types.ids import ValidatorIndex


def interop_secret_key(index: ValidatorIndex) -> SecretKey:
    """Return the key of the genesis validator `index`."""
    digest = sha256(index.to_bytes(32, "little")).digest()
    return SecretKey(int.from_bytes(digest, "little") % CURVE_ORDER)
