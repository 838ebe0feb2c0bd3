"""What a database is bound to for good, and how far it has forgotten.

The operator key and the network are pinned by the first start; later starts must bring the same. Of the network only
the future may change: forks that begin after the next epoch, before which nothing can have been signed under them.

Source: architecture §5.4.
"""

from __future__ import annotations

import json
from typing import Any

from ssv_protocol.forks import Network
from ssv_protocol.types.ids import Epoch, Slot
from ssv_signer.errors import StartRefused
from ssv_signer.store.database import Connection

_NETWORK, _OPERATOR_KEY, _SALT, _FORGOTTEN = "network", "operator_public_key", "salt", "forgotten_below_slot"


def pin_operator_key(connection: Connection, public_pem: bytes) -> None:
    """Bind the database to an operator key; raises StartRefused when it is another's."""
    pinned = _get(connection, _OPERATOR_KEY)
    if pinned is None:
        _put(connection, _OPERATOR_KEY, public_pem)
    elif pinned != public_pem:
        raise StartRefused(
            "the database belongs to another operator key, and an operator's key never changes: it is registered with "
            "the operator, and the shares are encrypted for it; name that key's file, or a new operator's own database"
        )


def pin_salt(connection: Connection, new_salt: bytes) -> bytes:
    """Return the salt of the encryption at rest; the first one stays."""
    pinned = _get(connection, _SALT)
    if pinned is None:
        _put(connection, _SALT, new_salt)
    return new_salt if pinned is None else pinned


def check_salt(connection: Connection, salt: bytes) -> None:
    """Raise StartRefused for a database that is not the one whose salt this is: its shares would not open."""
    if _get(connection, _SALT) != salt:
        raise StartRefused(
            "another database answers than the one this signer started with; restart it, if that is right"
        )


def pin_network(connection: Connection, network: Network, current_epoch: Epoch) -> None:
    """Bind the database to a network; raises StartRefused when it is another's, naming what differs."""
    given, pinned = _facts(network), _get(connection, _NETWORK)
    if pinned is not None:
        before, now = (_until(facts, current_epoch + 1) for facts in (json.loads(pinned), given))
        different = [name for name in now if now[name] != before.get(name)]
        if different:
            raise StartRefused(
                f"the database belongs to another network ({', '.join(different)} differ); "
                "name that network's file; the record here must not be left behind"
            )
    written = json.dumps(given, sort_keys=True).encode()
    if written != pinned:
        _put(connection, _NETWORK, written)


def forgotten_below(connection: Connection) -> Slot:
    """Return the slot below which records were pruned: what is asked there is unknown, not unsaid."""
    value = _get(connection, _FORGOTTEN)
    return Slot(0 if value is None else int(value))


def set_forgotten_below(connection: Connection, slot: Slot) -> None:
    """Raise that slot; it never falls, whatever the clock does."""
    if slot > forgotten_below(connection):
        _put(connection, _FORGOTTEN, str(slot).encode())


def _facts(network: Network) -> dict[str, Any]:
    ssv, chain = network.ssv, network.chain
    return {
        "genesis_validators_root": chain.genesis_validators_root.hex(),
        "genesis_time_s": chain.genesis_time_s,
        "slot_duration_s": chain.slot_duration_s,
        "slots_per_epoch": chain.slots_per_epoch,
        "beacon_forks": [[int(s.fork), s.version.hex(), s.epoch] for s in chain.forks],
        "alan_domain": ssv.alan_domain.hex(),
        "boole": None if ssv.boole_domain is None else [ssv.boole_domain.hex(), ssv.boole_epoch],
    }


def _until(facts: dict[str, Any], epoch: int) -> dict[str, Any]:
    """Return the facts that hold up to `epoch`."""
    boole = facts["boole"]
    scheduled = boole is not None and boole[1] is not None and boole[1] <= epoch
    return facts | {
        "beacon_forks": [fork for fork in facts["beacon_forks"] if fork[2] <= epoch],
        "boole": boole if scheduled else None,
    }


def _get(connection: Connection, name: str) -> bytes | None:
    row = connection.execute("SELECT value FROM pins WHERE name = ?", (name,)).fetchone()
    return None if row is None else bytes(row[0])


def _put(connection: Connection, name: str, value: bytes) -> None:
    connection.execute(
        "INSERT INTO pins VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
    )
