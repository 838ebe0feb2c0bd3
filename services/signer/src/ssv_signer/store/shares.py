"""The shares: whose, of which committee, their encrypted secret, and whether they may sign.

A row stays when its share is let go, without the secret: it ties the slashing record to its validator.

Source: architecture §5.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch
from ssv_signer.store.database import Connection, select_in

_ACTIVE = (
    "SELECT validator_pubkey, share_pubkey, committee_id, may_sign_from_epoch, sealed_secret "
    "FROM shares WHERE active = 1"
)

KEY_ELSEWHERE = b""
"""What a row holds of a secret that lies in an external store."""


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share that is active. `sealed_secret` is encrypted (`at_rest`), or `KEY_ELSEWHERE`."""

    validator_pubkey: BlsPublicKey
    share_pubkey: BlsPublicKey
    committee: CommitteeId
    may_sign_from: Epoch
    sealed_secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KnownShare:
    """A share that is or was held."""

    share_pubkey: BlsPublicKey
    validator_pubkey: BlsPublicKey
    committee: CommitteeId
    may_sign_from: Epoch
    is_active: bool


def of_validators(connection: Connection, validator_pubkeys: Sequence[BlsPublicKey]) -> dict[BlsPublicKey, ShareRow]:
    """Return the active shares of validators, by validator public key."""
    rows = map(_row, select_in(connection, f"{_ACTIVE} AND validator_pubkey IN", validator_pubkeys))
    return {row.validator_pubkey: row for row in rows}


def of_validator(connection: Connection, validator_pubkey: BlsPublicKey) -> ShareRow | None:
    """Return the active share of a validator."""
    return of_validators(connection, [validator_pubkey]).get(validator_pubkey)


def by_keys(connection: Connection, share_pubkeys: Sequence[BlsPublicKey]) -> dict[BlsPublicKey, ShareRow]:
    """Return active shares by their own public keys."""
    rows = map(_row, select_in(connection, f"{_ACTIVE} AND share_pubkey IN", share_pubkeys))
    return {row.share_pubkey: row for row in rows}


def active(connection: Connection, committee: CommitteeId | None = None) -> list[ShareRow]:
    """Return the active shares, of one committee or all, by validator public key."""
    order = "ORDER BY validator_pubkey"
    if committee is None:
        return [_row(row) for row in connection.execute(f"{_ACTIVE} {order}").fetchall()]
    return [_row(row) for row in connection.execute(f"{_ACTIVE} AND committee_id = ? {order}", (committee,)).fetchall()]


def active_keys(connection: Connection) -> list[BlsPublicKey]:
    """Return the public keys of the active shares."""
    rows = connection.execute("SELECT share_pubkey FROM shares WHERE active = 1").fetchall()
    return [BlsPublicKey(key) for (key,) in rows]


def related(
    connection: Connection, share_pubkeys: Sequence[BlsPublicKey], validator_pubkeys: Sequence[BlsPublicKey]
) -> list[KnownShare]:
    """Return every share that is or was held with one of these keys of its own, or for one of these validators."""
    query = "SELECT share_pubkey, validator_pubkey, committee_id, may_sign_from_epoch, active FROM shares WHERE"
    rows = {
        row[0]: row
        for column, keys in (("share_pubkey", share_pubkeys), ("validator_pubkey", validator_pubkeys))
        for row in select_in(connection, f"{query} {column} IN", keys)
    }
    return [
        KnownShare(BlsPublicKey(share), BlsPublicKey(validator), CommitteeId(committee), Epoch(epoch), bool(active))
        for share, validator, committee, epoch, active in rows.values()
    ]


def active_committees(connection: Connection, committees: Sequence[CommitteeId]) -> set[CommitteeId]:
    """Return those of the committees of which a share is active."""
    query = "SELECT DISTINCT committee_id FROM shares WHERE active = 1 AND committee_id IN"
    return {CommitteeId(committee) for (committee,) in select_in(connection, query, committees)}


def keys_of_committees(connection: Connection, committees: Sequence[CommitteeId]) -> list[BlsPublicKey]:
    """Return the public keys of every share of committees, those that were let go too."""
    query = "SELECT share_pubkey FROM shares WHERE committee_id IN"
    return [BlsPublicKey(key) for (key,) in select_in(connection, query, committees)]


def committees_of(connection: Connection, share_pubkeys: Sequence[BlsPublicKey]) -> set[CommitteeId]:
    """Return the committees of shares that are or were held."""
    query = "SELECT DISTINCT committee_id FROM shares WHERE share_pubkey IN"
    return {CommitteeId(committee) for (committee,) in select_in(connection, query, share_pubkeys)}


def put_active(connection: Connection, rows: Iterable[ShareRow]) -> None:
    """Insert shares, or activate those that were let go."""
    connection.executemany(
        "INSERT INTO shares (share_pubkey, validator_pubkey, committee_id, sealed_secret, active, may_sign_from_epoch) "
        "VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (share_pubkey) DO UPDATE SET "
        "committee_id = excluded.committee_id, "
        "sealed_secret = excluded.sealed_secret, active = 1, may_sign_from_epoch = excluded.may_sign_from_epoch",
        [(row.share_pubkey, row.validator_pubkey, row.committee, row.sealed_secret, row.may_sign_from) for row in rows],
    )


def hold(connection: Connection, validator_pubkeys: Sequence[BlsPublicKey], epoch: Epoch) -> list[BlsPublicKey]:
    """Let active shares sign from `epoch` on where that is later than before; return whose it was, by validator."""
    rows = of_validators(connection, validator_pubkeys)
    raised = [key for key, row in sorted(rows.items()) if row.may_sign_from < epoch]
    connection.executemany(
        "UPDATE shares SET may_sign_from_epoch = ? "
        "WHERE validator_pubkey = ? AND active = 1 AND may_sign_from_epoch < ?",
        [(epoch, key, epoch) for key in raised],
    )
    return raised


def deactivate(connection: Connection, validator_pubkey: BlsPublicKey) -> None:
    """Let go of a validator's share; its row stays, its secret is overwritten (in the log with the next checkpoint)."""
    connection.execute(
        "UPDATE shares SET active = 0, sealed_secret = NULL WHERE validator_pubkey = ? AND active = 1",
        (validator_pubkey,),
    )


def _row(row: tuple[bytes, bytes, bytes, int, bytes]) -> ShareRow:
    validator, share, committee, epoch, sealed = row
    return ShareRow(BlsPublicKey(validator), BlsPublicKey(share), CommitteeId(committee), Epoch(epoch), sealed)
