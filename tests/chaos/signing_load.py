"""A hostile load on the signer: several workers that disagree, repeat themselves and race each other.

QBFT steps of random rounds about one of two values, and attestations under one of three votes, all over the slots that
may be signed. Much of it must be refused; what matters is only what is signed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import sha256
from itertools import combinations

from libs.protocol.tests.runners.validator_world import full_block

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.types.ids import Epoch, OperatorId, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import BeaconRole, QbftMessageType, RunnerRole
from tests.support.signing_world import OWN, SigningWorld, Validator

Committee = tuple[OperatorId, ...]
Draft = pb.QbftDraft | pb.PostConsensusDraft
VALUES = (b"value a", b"value b")
HEADS = (b"head a", b"head b", b"head c")
_KINDS = (QbftMessageType.PROPOSAL, QbftMessageType.PREPARE, QbftMessageType.COMMIT, QbftMessageType.ROUND_CHANGE)
_WEIGHTS = (3, 4, 4, 1)
_ATTESTATIONS = 0.15


class Load:
    """Makes drafts. The epochs of each committee are asked for in ascending order, each several times."""

    def __init__(self, world: SigningWorld, per_committee: int, rng: random.Random) -> None:
        self.world = world
        self._rng = rng
        others = [number for number in world.keys if number != OWN]
        self.committees: list[Committee] = [(OWN, *three) for three in combinations(others, 3)]
        self.validators: dict[Committee, list[Validator]] = {
            committee: [world.validator(place * per_committee + n, committee) for n in range(per_committee)]
            for place, committee in enumerate(self.committees)
        }
        self._decided: dict[tuple[Committee, Slot, bytes], SignedSSVMessage] = {}
        self._rounds: dict[tuple[Committee, Slot], int] = {}
        self._epochs: dict[Committee, int] = {}
        self.slots: Sequence[Slot] = ()

    def span(self, first: Slot, last: Slot) -> None:
        """Say which slots may be signed."""
        self.slots = [Slot(slot) for slot in range(first, last + 1)]

    def draft(self) -> Draft:
        """Return the next draft."""
        committee = self._rng.choice(self.committees)
        return self._attest(committee) if self._rng.random() < _ATTESTATIONS else self._speak(committee)

    def attestations(self, committee: Committee, slot: Slot, head: bytes) -> pb.PostConsensusDraft:
        """Ask for the attestations of a committee under a vote that it decided."""
        key = committee, slot, head
        vote = self.world.vote(slot, head)
        if key not in self._decided:
            self._decided[key] = self.world.decided(vote, slot, committee)
        return pb.PostConsensusDraft(
            message_id=self.world.message_id(slot, committee),
            slot=slot,
            decided=self._decided[key].encode(),
            duties=[validator.duty(slot).encode() for validator in self.validators[committee]],
        )

    def block(self, proposer: Validator, slot: Slot, graffiti: bytes) -> pb.PostConsensusDraft:
        """Ask for a validator's block that its committee decided."""
        duty, block = proposer.duty(slot, BeaconRole.PROPOSER), full_block(slot, sha256(graffiti).digest())
        message_id = validator_message_id(self.world.network.domain_at(slot), RunnerRole.PROPOSER, proposer.pubkey)
        value = ProposerConsensusData(duty, block.fork, block.encode()).encode()
        decided = self.world.decided_value(value, slot, message_id, proposer.operators)
        return pb.PostConsensusDraft(message_id=message_id, slot=slot, decided=decided.encode(), duties=[duty.encode()])

    def _attest(self, committee: Committee) -> pb.PostConsensusDraft:
        chain = self.world.network.chain
        first, last = chain.epoch_of(self.slots[0]), chain.epoch_of(self.slots[-1])
        epoch = self._epochs.get(committee, first)
        if self._rng.random() < 0.5:
            self._epochs[committee] = epoch + 1 if epoch < last else first
        slot = Slot(chain.first_slot(Epoch(epoch)) + self._rng.randrange(chain.slots_per_epoch))
        return self.attestations(committee, slot, self._rng.choice(HEADS))

    def _speak(self, committee: Committee) -> pb.QbftDraft:
        slot = self._rng.choice(self.slots)
        at_round = self._rounds.get((committee, slot), 1)
        if self._rng.random() < 0.3:
            self._rounds[committee, slot] = at_round + 1
        (kind,) = self._rng.choices(_KINDS, _WEIGHTS)
        return self.world.qbft(kind, slot, self._rng.choice(VALUES), at_round, committee)
