"""What keeps shares from signing for a while, and what proves that they never stopped.

A hold raises the epoch from which a share signs what is slashable, and nothing lowers it: whoever may hold can delay
duties and nothing else, and by no more than `LONGEST_HOLD_EPOCHS` at a time.

Owned is a share whose last vote was made from this record, in a committee whose lease nobody doubts and that has not
begun anew since, while the share was not held: then no second copy of the record can have signed for it. A vote that an
import brought doesn't count: the committee itself must have signed lately, which is known for as long as batches are
kept.

Not guaranteed: that nobody else has the share's secret. Source: architecture §5.3, §6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.signing.post_consensus import KIND
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Slot
from ssv_signer.store import batches, leases, watermarks
from ssv_signer.store.database import Connection
from ssv_signer.store.shares import ShareRow

LONGEST_HOLD_EPOCHS = 3


def owned(connection: Connection, chain: BeaconChain, rows: Sequence[ShareRow]) -> dict[BlsPublicKey, Epoch]:
    """Return the target epochs of the last votes made with shares that are owned, by share public key."""
    signed = _signed_by_committee(connection, rows)
    proven = {
        committee: chain.epoch_of(record.quiet_until)
        for committee, record in leases.records(connection, list(signed)).items()
        if record.believed and signed[committee] >= record.quiet_until
    }
    votes = watermarks.attestations(connection, [row.share_pubkey for row in rows if row.committee in proven])
    return {
        row.share_pubkey: vote.target
        for row in rows
        if (vote := votes.get(row.share_pubkey)) is not None
        and vote.signing_root is not None
        and vote.target >= max(row.may_sign_from, proven[row.committee])
    }


def _signed_by_committee(connection: Connection, rows: Sequence[ShareRow]) -> Mapping[CommitteeId, Slot]:
    """Return the last slot of which each committee's batch is on record."""
    committee_of = {row.share_pubkey: row.committee for row in rows}
    found: dict[CommitteeId, Slot] = {}
    for share, slot in batches.last_slots(connection, KIND).items():
        if (committee := committee_of.get(share)) is not None:
            found[committee] = max(slot, found.get(committee, slot))
    return found
