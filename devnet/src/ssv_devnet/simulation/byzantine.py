"""One operator that does what it likes: it runs an honest node, and bends what leaves it.

It hears everything, signs with its own keys only, and may tell every peer something else. What it does in a slot is
one `Misdeed`, chosen by the seed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from random import Random

from ssv_devnet.committee.memory_network import MemoryNetwork
from ssv_devnet.simulation.forgery import Forger, root_of, with_other_checkpoints, with_other_head
from ssv_protocol.qbft.config import LeaderFunction
from ssv_protocol.runners.admission import duty_slot, open_content
from ssv_protocol.types.ids import Root, Round, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType

OVERHEARD_MESSAGES = 200
REPLAYED_AT_A_TIME = 5
ROUNDS_TO_HIJACK = 12


class Misdeed(StrEnum):
    """What the operator does in a slot."""

    SILENT = "silent"
    ONE_FRIEND = "one_friend"
    EQUIVOCATE = "equivocate"
    DOUBLE_VOTE = "double_vote"
    BAD_VALUE = "bad_value"
    FORGED_JUSTIFICATION = "forged_justification"
    FORGED_DECISION = "forged_decision"
    REPLAY = "replay"
    GARBAGE_SHARES = "garbage_shares"
    SHARES_OVER_ANOTHER_ROOT = "shares_over_another_root"
    SHARES_OF_ANOTHER_VALIDATOR = "shares_of_another_validator"


SHARE_MISDEEDS = frozenset(
    {Misdeed.GARBAGE_SHARES, Misdeed.SHARES_OVER_ANOTHER_ROOT, Misdeed.SHARES_OF_ANOTHER_VALIDATOR}
)


class ByzantineOperator:
    """Stands between an operator's node and the network.

    `leader_at` gives the leader function of a slot, `vote_at` a value that honest operators would agree to.
    """

    def __init__(
        self,
        forger: Forger,
        gossip: MemoryNetwork,
        leader_at: Callable[[Slot], LeaderFunction],
        vote_at: Callable[[Slot], bytes],
        *,
        misdeeds: Sequence[Misdeed],
        seed: int,
    ) -> None:
        self.committed: Counter[Misdeed] = Counter()
        self._forger = forger
        self._gossip = gossip
        self._leader_at = leader_at
        self._vote_at = vote_at
        self._misdeeds = misdeeds
        self._seed = seed
        self._random = forger.random
        self._overheard: deque[bytes] = deque(maxlen=OVERHEARD_MESSAGES)

    def misdeed_at(self, slot: Slot) -> Misdeed:
        """Return what the operator does in a slot."""
        return Random(f"{self._seed}/misdeed/{slot}").choice(self._misdeeds)

    def overhear(self, encoded: bytes) -> None:
        """Keep a peer's message, to say it again some day."""
        self._overheard.append(encoded)

    def publish(self, signed: SignedSSVMessage) -> None:
        """Take what the honest node wants to publish, and send what the misdeed makes of it."""
        content = open_content(signed)
        misdeed = self.misdeed_at(duty_slot(content))
        self.committed[misdeed] += 1
        peers = self._forger.others
        for place, peer in enumerate(peers):
            for message in self._bent(misdeed, place, signed, content):
                self._gossip.send(self._forger.member.operator_id, peer, message.encode())

    def _bent(
        self, misdeed: Misdeed, place: int, signed: SignedSSVMessage, content: QbftMessage | PartialSignatures
    ) -> Iterator[SignedSSVMessage]:
        """Yield what the peer at `place` gets instead of `signed`."""
        if misdeed is Misdeed.SILENT or (misdeed is Misdeed.ONE_FRIEND and place > 0):
            return
        if isinstance(content, PartialSignatures):
            yield from self._bent_shares(misdeed, place, signed, content)
            return
        if len(signed.operator_ids) > 1:
            yield signed
            return
        match misdeed:
            case Misdeed.EQUIVOCATE:
                yield from self._one_of_two(place, signed, content)
            case Misdeed.DOUBLE_VOTE:
                pair = [signed, *self._one_of_two(1, signed, content)]
                self._random.shuffle(pair)
                yield from pair
            case Misdeed.BAD_VALUE:
                yield from self._bad_value(signed, content)
            case Misdeed.FORGED_JUSTIFICATION:
                if place > 0:  # one peer shall go on in its round, and decide something else
                    yield from self._hijack(content)
                yield signed
            case Misdeed.FORGED_DECISION:
                # with the RSA signature of one operator in the names of all
                value = with_other_head(self._vote_at(Slot(content.height)), 3)
                yield self._forger.decision(content, value, self._forger.member.operator_ids)
                yield signed
            case Misdeed.REPLAY:
                for encoded in self._random.sample(
                    list(self._overheard), min(REPLAYED_AT_A_TIME, len(self._overheard))
                ):
                    old = SignedSSVMessage.decode(encoded)
                    yield from (old, replace(old, full_data=b"other"))
                yield signed
            case _:
                yield signed

    def _one_of_two(self, place: int, signed: SignedSSVMessage, content: QbftMessage) -> Iterator[SignedSSVMessage]:
        """Tell every second peer another story, and vote for it at once."""
        if content.msg_type == QbftMessageType.ROUND_CHANGE:
            yield signed
            return
        other = place % 2 == 1
        if content.msg_type != QbftMessageType.PROPOSAL:
            # a vote for somebody else's proposal; the odd one has the right root and nonsense beside it
            root = Root(bytes(reversed(content.root))) if other and self._random.random() < 0.5 else content.root
            yield self._forger.vote(content, QbftMessageType(content.msg_type), root, odd=other)
            return
        value = with_other_head(signed.full_data, place) if other else signed.full_data
        yield from self._with_votes(content, value)

    def _bad_value(self, signed: SignedSSVMessage, content: QbftMessage) -> Iterator[SignedSSVMessage]:
        if content.msg_type != QbftMessageType.PROPOSAL:
            yield signed
        elif self._seed % 2 == content.height // len(self._forger.member.committee) % 2:
            yield from self._with_votes(content, self._random.randbytes(50))
        else:
            yield from self._with_votes(content, with_other_checkpoints(signed.full_data))

    def _with_votes(self, proposal: QbftMessage, value: bytes) -> Iterator[SignedSSVMessage]:
        """Propose a value in place of another, and vote for it before anybody has."""
        root = root_of(value)
        yield self._forger.consensus(replace(proposal, root=root), value)
        yield self._forger.vote(proposal, QbftMessageType.PREPARE, root)
        yield self._forger.vote(proposal, QbftMessageType.COMMIT, root)

    def _hijack(self, content: QbftMessage) -> Iterator[SignedSSVMessage]:
        """Try to pull the committee into rounds that this operator leads, or to plant a prepared value."""
        value = with_other_head(self._vote_at(Slot(content.height)), 7)
        leader, me = self._leader_at(Slot(content.height)), self._forger.member.operator_id
        for round_ in map(Round, range(content.round + 1, ROUNDS_TO_HIJACK)):
            yield self._forger.prepared_round_change(content, round_, value)
            if leader(content.height, round_, self._forger.member.operator_ids) == me:
                yield self._forger.proposal_out_of_turn(content, round_, value)
                for kind in (QbftMessageType.PREPARE, QbftMessageType.COMMIT):
                    yield self._forger.vote(replace(content, round=round_), kind, root_of(value))
                return

    def _bent_shares(
        self, misdeed: Misdeed, place: int, signed: SignedSSVMessage, partials: PartialSignatures
    ) -> Iterator[SignedSSVMessage]:
        forger, message_id = self._forger, signed.ssv_message.msg_id
        match misdeed:
            case Misdeed.GARBAGE_SHARES:
                bad = forger.infinity(partials) if place % 2 else forger.garbage(partials)
                yield forger.batch(message_id, bad)
            case Misdeed.SHARES_OVER_ANOTHER_ROOT:
                yield forger.batch(message_id, forger.for_another_root(partials))
                yield forger.batch(message_id, forger.over_another_root(partials))
            case Misdeed.SHARES_OF_ANOTHER_VALIDATOR:
                yield forger.batch(message_id, forger.of_another_validator(partials))
            case _:
                yield signed
