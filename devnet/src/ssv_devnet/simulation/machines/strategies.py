"""What Byzantine operators do, one idea a class. Shares are in `share_strategies`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ssv_devnet.simulation.forgery import Forger, root_of
from ssv_devnet.simulation.machines.cabal import Cabal, Content, Letter, to_all
from ssv_devnet.simulation.machines.values import another_value, bad_value
from ssv_protocol.types.ids import ZERO_ROOT, OperatorId, Round
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType

PROPOSAL, PREPARE, COMMIT, ROUND_CHANGE = QbftMessageType
LATEST_ROUND = Round(11)
REPLAYED_AT_A_TIME = 4


class Silent:
    """Says nothing."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterable[Letter]:
        """Swallow everything."""
        return ()


class OneFriend:
    """Talks to one peer only."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterable[Letter]:
        """Send to the first peer."""
        return to_all(me, signed)[:1]


class Late:
    """Says everything, up to three rounds late and each peer at another time."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterable[Letter]:
        """Hold back."""
        return [replace(letter, delay_s=cabal.random.uniform(0.0, 6.0)) for letter in to_all(me, signed)]


class Replay:
    """Says what others said before, in other rounds, heights and duties, some of it with another value attached."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Add old messages to what is due."""
        old = cabal.random.sample(list(cabal.heard.values()), min(REPLAYED_AT_A_TIME, len(cabal.heard)))
        for said, _ in old:
            yield from to_all(me, said)
            yield from to_all(me, replace(said, full_data=b"other"))
        yield from to_all(me, signed)


class Equivocate:
    """As a leader proposes different values to different peers; all members vote for each peer's value at once.

    Afterwards they change rounds as if they had prepared nothing. The peers are cut anywhere: so that one part can
    decide with the members' votes, or none.
    """

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Split a proposal of the own; keep quiet in split rounds; disown locks."""
        if not isinstance(content, QbftMessage) or len(signed.operator_ids) > 1:
            yield from to_all(me, signed)
            return
        where = content.message_id, content.height, content.round
        if content.msg_type == PROPOSAL:
            cabal.split.add(where)
            yield from self._split(cabal, me, signed, content)
        elif content.msg_type == ROUND_CHANGE:
            change = replace(content, root=ZERO_ROOT, data_round=Round(0), round_change_justification=())
            yield from to_all(me, me.consensus(change))
        elif where not in cabal.split:
            yield from to_all(me, signed)

    def _split(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, proposal: QbftMessage) -> Iterator[Letter]:
        peers = cabal.honest_peers(me)
        cut = cabal.random.randint(1, max(1, len(peers) - 1))
        values = [signed.full_data, another_value(proposal.message_id, signed.full_data, 1)]
        for value, part in zip(values, (peers[:cut], peers[cut:]), strict=True):
            yield from propose_and_vote(cabal, me, proposal, value, part)


class BadValue:
    """As a leader proposes what no honest operator may sign, and votes for it with all members."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Spoil a proposal."""
        if isinstance(content, QbftMessage) and content.msg_type == PROPOSAL:
            value = bad_value(content.message_id, signed.full_data)
            yield from propose_and_vote(cabal, me, content, value, cabal.honest_peers(me))
        else:
            yield from to_all(me, signed)


class ForgeJustifications:
    """Proposes out of turn with round changes and prepares that were made up, or said elsewhere.

    Whenever one of its votes is due, it looks for a later round that a member leads. Made up: in the names of all.
    Said elsewhere: round changes and prepares of other rounds, heights and consensuses, with their true signatures.
    """

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Let the due message through to one peer at least, and try to pull the others away."""
        if isinstance(content, QbftMessage) and content.msg_type in (PREPARE, COMMIT) and len(signed.operator_ids) == 1:
            yield from self._hijack(cabal, me, content)
        yield from to_all(me, signed)

    def _hijack(self, cabal: Cabal, me: Forger, content: QbftMessage) -> Iterator[Letter]:
        heard = [
            (signed, said)
            for signed, said in cabal.heard.values()
            if said.msg_type == PROPOSAL and (said.message_id, said.height) == (content.message_id, content.height)
        ]
        if not heard:
            return
        value = another_value(content.message_id, heard[-1][0].full_data, 2)
        round_ = self._round_of_ours(cabal, me, content)
        if round_ is None:
            return
        for justification in self._justifications(cabal, me, content, round_, value):
            message = replace(content, msg_type=PROPOSAL, round=round_, root=root_of(value), data_round=Round(0))
            proposal = replace(
                message, round_change_justification=justification[0], prepare_justification=justification[1]
            )
            yield from propose_and_vote(cabal, me, proposal, value, cabal.honest_peers(me)[1:])

    def _round_of_ours(self, cabal: Cabal, me: Forger, content: QbftMessage) -> Round | None:
        later = (Round(number) for number in range(content.round + 1, LATEST_ROUND))
        return next((round_ for round_ in later if cabal.leads(content.height, round_, me)), None)

    def _justifications(
        self, cabal: Cabal, me: Forger, content: QbftMessage, round_: Round, value: bytes
    ) -> Iterator[tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
        change = QbftMessage(ROUND_CHANGE, content.height, round_, content.identifier, ZERO_ROOT)
        made_up = in_names(me, change, me.member.operator_ids)
        own = tuple(forger.consensus(change).encode() for forger in cabal.members.values())
        elsewhere = [
            signed for signed, said in cabal.heard.values() if said.msg_type == ROUND_CHANGE and not said.prepared
        ]
        same_round = [
            signed
            for signed, said in cabal.heard.values()
            if said.msg_type == ROUND_CHANGE
            and not said.prepared
            and (said.height, said.round) == (content.height, round_)
        ]
        yield made_up, ()
        yield one_each(own, elsewhere), ()
        yield one_each(own, same_round), ()
        prepare = QbftMessage(PREPARE, content.height, Round(round_ - 1), content.identifier, root_of(value))
        prepares = in_names(me, prepare, me.member.operator_ids)
        locked = replace(change, root=root_of(value), data_round=Round(round_ - 1), round_change_justification=prepares)
        yield in_names(me, locked, me.member.operator_ids), prepares


class LieAboutLocks:
    """Changes rounds with a prepared value that never was, or as if there had been none."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Bend round changes."""
        if not isinstance(content, QbftMessage) or content.msg_type != ROUND_CHANGE:
            yield from to_all(me, signed)
            return
        bare = replace(content, root=ZERO_ROOT, data_round=Round(0), round_change_justification=())
        yield from to_all(me, me.consensus(bare))
        prepares = [
            (said, qbft)
            for said, qbft in cabal.heard.values()
            if qbft.msg_type == PREPARE and len(said.operator_ids) == 1 and qbft.height == content.height
        ]
        if not prepares:
            return
        other = cabal.random.choice(prepares)[1]
        said_elsewhere = one_each((), [said for said, qbft in prepares if qbft.root == other.root])
        made_up = in_names(me, replace(other, identifier=content.identifier), me.member.operator_ids)
        for proof in (said_elsewhere, made_up):
            lie = replace(bare, root=other.root, data_round=Round(content.round - 1), round_change_justification=proof)
            yield from to_all(me, me.consensus(lie, b"a value that nobody knows"))


class ForgeDecisions:
    """Says in the names of all that another value was decided."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Add a decision to a proposal of the own, or to that of another."""
        if isinstance(content, QbftMessage) and content.msg_type == PREPARE:
            for proposal, said in cabal.heard.values():
                if said.msg_type == PROPOSAL and (said.message_id, said.height) == (content.message_id, content.height):
                    value = another_value(said.message_id, proposal.full_data, 3)
                    yield from to_all(me, me.decision(said, value, me.member.operator_ids))
                    break
        yield from to_all(me, signed)


def propose_and_vote(
    cabal: Cabal, me: Forger, proposal: QbftMessage, value: bytes, peers: Sequence[OperatorId]
) -> Iterator[Letter]:
    """Propose a value to some peers, and let all members prepare it and commit to it."""
    sender, root = me.member.operator_id, root_of(value)
    proposed = me.consensus(replace(proposal, root=root), value)
    votes = [f.vote(proposal, kind, root) for kind in (PREPARE, COMMIT) for f in cabal.members.values()]
    for peer in peers:
        for signed in (proposed, *votes):
            yield Letter(sender, peer, signed)


def in_names(me: Forger, message: QbftMessage, names: Iterable[OperatorId]) -> tuple[bytes, ...]:
    """Return a message in the names of others, with a signature of one's own."""
    signed = me.consensus(message)
    return tuple(replace(signed, operator_ids=(name,)).encode() for name in names)


def one_each(own: Sequence[bytes], said: Iterable[SignedSSVMessage]) -> tuple[bytes, ...]:
    """Return one message of each operator that said any, as a justification, besides those of the members."""
    latest = {signed.operator_ids: signed.without_full_data().encode() for signed in said}
    return (*own, *latest.values())[:13]
