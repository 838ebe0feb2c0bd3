"""What Byzantine operators do, one idea a class. Shares are in `share_strategies`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ssv_devnet.simulation.forgery import Forger, root_of
from ssv_devnet.simulation.machines.cabal import Cabal, Content, Letter, to_all
from ssv_devnet.simulation.machines.values import another_value, bad_value
from ssv_protocol.types.ids import FIRST_ROUND, ZERO_ROOT, OperatorId, Round
from ssv_protocol.types.messages import MAX_COMMITTEE, SignedSSVMessage
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

    The peers are cut anywhere, and the votes are such that some can decide, some only lock, and some neither. The
    members then change rounds as if they had prepared nothing, and leaders of theirs leave out all who carry a lock.
    """

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Split a proposal of the own; keep quiet in split rounds; disown locks."""
        if not isinstance(content, QbftMessage) or len(signed.operator_ids) > 1:
            yield from to_all(me, signed)
            return
        where = content.message_id, content.height, content.round
        if content.msg_type == PROPOSAL:
            cabal.split.add(where)
            if content.round > FIRST_ROUND:
                yield from self._without_locks(cabal, me, signed, content)
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
            deciding = cabal.random.randint(0, len(part))
            yield from propose_and_vote(cabal, me, proposal, value, part[:deciding])
            kinds = cabal.random.choice(((PREPARE,), (PREPARE,), ()))
            yield from propose_and_vote(cabal, me, proposal, value, part[deciding:], kinds)

    def _without_locks(
        self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, proposal: QbftMessage
    ) -> Iterator[Letter]:
        here = proposal.identifier, proposal.height, proposal.round
        change = QbftMessage(ROUND_CHANGE, proposal.height, proposal.round, proposal.identifier, ZERO_ROOT)
        own = tuple(forger.consensus(change).encode() for forger in cabal.members.values())
        unlocked = [
            said
            for said, qbft in cabal.heard_of(ROUND_CHANGE)
            if not qbft.prepared and (qbft.identifier, qbft.height, qbft.round) == here
        ]
        bare = replace(proposal, round_change_justification=one_each(own, unlocked), prepare_justification=())
        value = another_value(proposal.message_id, signed.full_data, 1)
        yield from propose_and_vote(cabal, me, bare, value, cabal.honest_peers(me))


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
    """Proposes another value in a later round, with round changes that were made up, or said elsewhere.

    It waits until its commit is due, and leaves some peers to decide while it pulls the others away. Made up: in the
    names of all. Said elsewhere: with true signatures, but of another consensus, height or round.
    """

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Commit, and try to hijack f + 1 peers or more."""
        yield from to_all(me, signed)
        if isinstance(content, QbftMessage) and content.msg_type == COMMIT and len(signed.operator_ids) == 1:
            yield from self._hijack(cabal, me, content)

    def _hijack(self, cabal: Cabal, me: Forger, content: QbftMessage) -> Iterator[Letter]:
        later = map(Round, range(content.round + 1, LATEST_ROUND))
        round_ = next((round_ for round_ in later if cabal.leads(content.height, round_, me)), None)
        proposed = cabal.value_of(content)
        if round_ is None or proposed is None:
            return
        value = another_value(content.message_id, proposed, 2)
        left_alone = cabal.random.randint(1, me.member.faulty_nodes)
        peers = cabal.honest_peers(me)[left_alone:]
        for changes, prepares in self._justifications(cabal, me, content, round_, value):
            proposal = replace(
                content,
                msg_type=PROPOSAL,
                round=round_,
                round_change_justification=changes,
                prepare_justification=prepares,
            )
            yield from propose_and_vote(cabal, me, proposal, value, peers)

    def _justifications(
        self, cabal: Cabal, me: Forger, content: QbftMessage, round_: Round, value: bytes
    ) -> Iterator[tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
        """Yield round changes and prepares, with one thing wrong in each pair."""
        everybody = me.member.operator_ids
        change = QbftMessage(ROUND_CHANGE, content.height, round_, content.identifier, ZERO_ROOT)
        own = tuple(forger.consensus(change).encode() for forger in cabal.members.values())
        here = content.identifier, content.height, round_
        bare = [(signed, qbft) for signed, qbft in cabal.heard_of(ROUND_CHANGE) if not qbft.prepared]
        for place in range(len(here)):
            yield one_each(own, (signed for signed, qbft in bare if _differs_only_in(place, here, qbft))), ()
        yield in_names(me, change, everybody), ()
        prepare = QbftMessage(PREPARE, content.height, Round(round_ - 1), content.identifier, root_of(value))
        prepares = in_names(me, prepare, everybody)
        locked = replace(change, root=root_of(value), data_round=prepare.round, round_change_justification=prepares)
        liars = tuple(forger.consensus(locked).encode() for forger in cabal.members.values())
        honest = (signed for signed, qbft in bare if (qbft.identifier, qbft.height, qbft.round) == here)
        yield one_each(liars, honest), prepares


class LieAboutLocks:
    """Changes rounds as if nothing had been prepared, or with another value and prepares that were made up."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Bend round changes: half of the peers hear the one lie first, half the other."""
        if not isinstance(content, QbftMessage) or content.msg_type != ROUND_CHANGE:
            yield from to_all(me, signed)
            return
        bare = replace(content, root=ZERO_ROOT, data_round=Round(0), round_change_justification=())
        lies = [me.consensus(bare), *self._prepared_lies(cabal, me, bare)]
        cabal.random.shuffle(lies)
        for lie in lies:
            yield from to_all(me, lie)

    def _prepared_lies(self, cabal: Cabal, me: Forger, bare: QbftMessage) -> Iterator[SignedSSVMessage]:
        proposed = cabal.value_of(bare)
        if proposed is None:
            return
        value = another_value(bare.message_id, proposed, 4)
        prepare = QbftMessage(PREPARE, bare.height, Round(bare.round - 1), bare.identifier, root_of(value))
        lie = replace(bare, root=root_of(value), data_round=prepare.round)
        made_up = in_names(me, prepare, me.member.operator_ids)
        yield me.consensus(replace(lie, round_change_justification=made_up), value)
        root = root_of(proposed)
        said = [signed for signed, qbft in cabal.heard_of(PREPARE) if qbft.root == root]
        true_prepares = replace(lie, root=root, round_change_justification=one_each((), said))
        yield me.consensus(true_prepares, proposed)  # of another round, or too few


class ForgeDecisions:
    """Says in the names of all that another value was decided."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Add a decision to a proposal of the own, or to that of another."""
        if isinstance(content, QbftMessage) and content.msg_type == PREPARE:
            proposed = cabal.value_of(content)
            if proposed is not None:
                value = another_value(content.message_id, proposed, 3)
                yield from to_all(me, me.decision(content, value, me.member.operator_ids))
        yield from to_all(me, signed)


def propose_and_vote(
    cabal: Cabal,
    me: Forger,
    proposal: QbftMessage,
    value: bytes,
    peers: Sequence[OperatorId],
    kinds: Sequence[QbftMessageType] = (PREPARE, COMMIT),
) -> Iterator[Letter]:
    """Propose a value to some peers, and let all members cast these votes for it."""
    sender, root = me.member.operator_id, root_of(value)
    proposed = me.consensus(replace(proposal, root=root, data_round=Round(0)), value)
    votes = [forger.vote(proposal, kind, root) for kind in kinds for forger in cabal.members.values()]
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
    return (*own, *latest.values())[:MAX_COMMITTEE]


def _differs_only_in(place: int, here: tuple[object, ...], qbft: QbftMessage) -> bool:
    there = qbft.identifier, qbft.height, qbft.round
    return all((one == other) is (number != place) for number, (one, other) in enumerate(zip(here, there, strict=True)))
