"""Runners for the qbft vectors.

The vectors' rules: operator 1 leads, at height 10 operator 2; empty values and 01010101 are refused; the
cut-off round is 15. Drafts are signed with operator 1's key of the vector and compared as signed messages.
Both rule sets run the same rules but for the leader function, and number errors differently.

Source: ssv-spec qbft/spectest/tests, types/testingutils.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial

from ssv_protocol.crypto.rsa import OperatorPrivateKey, verify_envelope
from ssv_protocol.effects import QbftDraft, Send
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.qbft import drafts
from ssv_protocol.qbft.config import LeaderFunction, QbftConfig
from ssv_protocol.qbft.controller import Controller
from ssv_protocol.qbft.instance import Instance
from ssv_protocol.qbft.leader import alan_leader, boole_leader
from ssv_protocol.qbft.outputs import CutOffReached, Decided, Output, StartTimer
from ssv_protocol.qbft.prepare import prepares_of_lock
from ssv_protocol.qbft.received import ReceivedMessage
from ssv_protocol.qbft.state import State
from ssv_protocol.types.committee import committee_id, faulty_nodes
from ssv_protocol.types.ids import (
    FIRST_HEIGHT,
    FIRST_ROUND,
    DomainType,
    Height,
    MessageId,
    OperatorId,
    Root,
    Round,
)
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember, Operator
from ssv_protocol.types.roles import MsgType
from tests.spec.case import Case, Runner, Version
from tests.spec.error_codes import check_error
from tests.spec.go_json import (
    Json,
    check_tree,
    json_root,
    parse_array,
    parse_bytes,
    parse_hex,
    parse_member,
    parse_signed,
)
from tests.spec.qbft_json import parse_instance_state, render_controller, render_state
from tests.spec.vectors import test_keys

CUTOFF_ROUND = Round(15)
SIGNER = OperatorId(1)
OTHER_LEADER_HEIGHT = Height(10)
OTHER_LEADER = OperatorId(2)
INVALID_VALUE = bytes([1, 1, 1, 1])
LEADERS: dict[Version, LeaderFunction] = {
    "alan": alan_leader,
    "boole": boole_leader,
}


class Outbox:
    """Collects what machines want: signed drafts, decisions, timers, the last error."""

    def __init__(self, key: OperatorPrivateKey, member: CommitteeMember) -> None:
        self.key = key
        self.member = member
        self.broadcast: list[SignedSSVMessage] = []
        self.decided: list[Decided] = []
        self.timers: list[Round] = []
        self.error: ProtocolError | None = None

    def run(self, step: Callable[[], Sequence[Output]]) -> None:
        """Take one step and collect what it gives."""
        try:
            outputs = step()
        except ProtocolError as error:
            self.error = error
            outputs = error.outputs if isinstance(error, CutOffReached) else ()
        for output in outputs:
            match output:
                case Send(draft):
                    assert isinstance(draft, QbftDraft)
                    self.broadcast.append(sign(self.key, draft))
                case StartTimer(round_):
                    self.timers.append(round_)
                case Decided():
                    self.decided.append(output)

    def check_timer(self, expected: Json) -> None:
        """Compare how many timers were started and for which round the last."""
        if expected is not None:
            actual = {"Timeouts": len(self.timers), "Round": self.timers[-1] if self.timers else 0}
            check_tree(expected, actual, "timer")

    def check_broadcast(self, expected: Json) -> None:
        """Compare number, order and content of what was sent."""
        wanted = [parse_signed(item).hash_tree_root().hex() for item in expected or ()]
        check_tree(wanted, [item.hash_tree_root().hex() for item in self.broadcast], "output")
        self.check_broadcast_signatures()

    def check_broadcast_signatures(self) -> None:
        """Verify all that was sent."""
        for item in (*self.broadcast, *self.announced):
            assert verify_envelope(self.member, item), "an output has a wrong signature"

    @property
    def announced(self) -> list[SignedSSVMessage]:
        """Decisions that the machine put together itself; publishing them is the controller's rule."""
        return [decided.commit for decided in self.decided if decided.announce]


def sign(key: OperatorPrivateKey, draft: QbftDraft) -> SignedSSVMessage:
    """Sign a draft as operator 1."""
    message = SSVMessage(MsgType.CONSENSUS, draft.message_id, draft.message.encode())
    return SignedSSVMessage((key.sign(message),), (SIGNER,), message, draft.full_data)


def run_message_processing(case: Case) -> None:
    """An instance with a given state takes in messages."""
    instance, outbox = _instance(case.json)
    for tree in case.json["InputMessages"] or ():
        outbox.run(partial(instance.process, parse_signed(tree)))
    check_error(case.json["ExpectedErrorCode"], outbox.error, case.version)
    outbox.check_timer(case.json["ExpectedTimerState"])
    outbox.check_broadcast(case.json["OutputMessages"])
    expected = case.state(f"qbft message processing {case.json['Name']}")
    actual = render_state(instance.config.member, instance.state)
    check_tree(expected, actual, "state")
    if case.json["PostRoot"]:
        _check_root(case.json["PostRoot"], actual)


def run_timeout(case: Case) -> None:
    """An instance with a given state has its round time out."""
    instance, outbox = _instance(case.json)
    outbox.run(instance.on_timeout)
    check_error(case.json["ExpectedErrorCode"], outbox.error, case.version)
    outbox.check_timer(case.json["ExpectedTimerState"])
    outbox.check_broadcast(case.json["OutputMessages"])
    _check_root(case.json["PostRoot"], render_state(instance.config.member, instance.state))


def run_controller(case: Case) -> None:
    """A controller starts heights and takes in messages."""
    member = parse_member(case.json["Controller"]["CommitteeMember"])
    identifier = MessageId(parse_bytes(case.json["Controller"]["Identifier"]))
    config = _config(member, FIRST_HEIGHT)
    height = Height(case.json.get("StartHeight") or FIRST_HEIGHT)
    controller = Controller(identifier, lambda _: config, stored_instances=None, height=height)
    outbox = Outbox(_key(case.json, member), member)
    expected_states = case.state(f"qbft controller {case.json['Name']}")
    for index, run in enumerate(case.json["RunInstanceData"]):
        height = Height(index if run.get("Height") is None else run["Height"])
        outbox.run(partial(controller.start, height, parse_bytes(run["InputValue"])))
        outbox.check_timer(run["ExpectedTimerState"])
        decided_before = len(outbox.decided)
        for tree in run["InputMessages"] or ():
            outbox.run(partial(controller.process, parse_signed(tree)))
        _check_decided(run["ExpectedDecidedState"], outbox, outbox.decided[decided_before:])
        check_tree(expected_states[index], render_controller(member, controller), f"controller, run {index}")
    assert len(expected_states) == len(case.json["RunInstanceData"])
    check_error(case.json["ExpectedErrorCode"], outbox.error, case.version)


def run_create_message(case: Case) -> None:
    """A message is made of given parts."""
    tree = case.json
    member = _four_operators()
    state = State(MessageId(parse_bytes(tree["Identifier"])), FIRST_HEIGHT, Round(tree["Round"]))
    value, root = parse_bytes(tree["StateValue"]), Root(parse_array(tree["Value"]))
    round_changes = _received(tree["RoundChangeJustifications"])
    prepares = _received(tree["PrepareJustifications"])
    match tree["CreateType"]:
        case "createProposal":
            send = drafts.proposal(state, value, round_changes, prepares)
        case "CreatePrepare":
            send = drafts.prepare(state, root)
        case "CreateCommit":
            send = drafts.commit(state, root)
        case "CreateRoundChange":
            if prepares:
                state.last_prepared_round, state.last_prepared_value = prepares[0].round, value
                for item in prepares:
                    state.prepares.add_first(item)
            justification = prepares_of_lock(_config(member, FIRST_HEIGHT), state)
            send = drafts.round_change(state, FIRST_ROUND, justification)
        case kind:
            raise AssertionError(f"unknown kind of message {kind}")
    assert isinstance(send.draft, QbftDraft)
    check_error(tree["ExpectedErrorCode"], None, case.version)
    signed = sign(_key(tree, member), send.draft)
    assert signed.hash_tree_root().hex() == tree["ExpectedRoot"]
    signed.validate()
    send.draft.message.validate()


def run_message(case: Case) -> None:
    """Messages are validated, encoded and hashed."""
    error: ProtocolError | None = None
    for index, tree in enumerate(case.json["Messages"]):
        try:
            signed = parse_signed(tree)
            signed.validate()
            ReceivedMessage.decode(signed).validate()
        except ProtocolError as problem:
            error = problem
            continue
        if case.json["EncodedMessages"]:
            expected = parse_bytes(case.json["EncodedMessages"][index])
            assert signed.encode() == expected, f"encoding of message {index}"
            assert SignedSSVMessage.decode(expected) == signed
        if case.json["ExpectedRoots"]:
            assert signed.hash_tree_root() == parse_array(case.json["ExpectedRoots"][index])
    check_error(case.json["ExpectedErrorCode"], error, case.version)


def run_round_robin(case: Case) -> None:
    """Leaders over many heights and rounds."""
    committee = parse_member(case.json["Share"]).operator_ids
    leader = LEADERS[case.version]
    rows = zip(case.json["Heights"], case.json["Rounds"], case.json["Proposers"], strict=True)
    wrong = [
        f"height {height} round {round_}: expected {expected}"
        for height, round_, expected in rows
        if leader(Height(height), Round(round_), committee) != expected
    ]
    assert case.json["Heights"], "no rows"
    assert not wrong, f"{len(wrong)} rows differ: {wrong[:5]}"


RUNNERS: dict[str, Runner] = {
    "tests.MsgProcessingSpecTest": run_message_processing,
    "tests.ControllerSpecTest": run_controller,
    "tests.MsgSpecTest": run_message,
    "tests.CreateMsgSpecTest": run_create_message,
    "tests.RoundRobinSpecTest": run_round_robin,
    "timeout.SpecTest": run_timeout,
}


def _instance(tree: Json) -> tuple[Instance, Outbox]:
    member = parse_member(tree["Pre"]["State"]["CommitteeMember"])
    state = parse_instance_state(tree["Pre"])
    return Instance(_config(member, state.height), state), Outbox(_key(tree, member), member)


def _config(member: CommitteeMember, height: Height) -> QbftConfig:
    leader = OTHER_LEADER if height == OTHER_LEADER_HEIGHT else SIGNER
    return QbftConfig(member, lambda *_: leader, _check_value, CUTOFF_ROUND)


def _check_value(value: bytes) -> None:
    if not value or value == INVALID_VALUE:
        raise ProtocolError(Reason.VALUE_INVALID)


def _key(tree: Json, member: CommitteeMember) -> OperatorPrivateKey:
    """Return operator 1's key: the file's, or where it holds none that of the set of the committee's size."""
    if "PrivateKeys" in tree:
        return _load_pem(tree["PrivateKeys"]["OperatorKeys"][str(SIGNER)])
    return _key_set(len(member.committee))[SIGNER]


@lru_cache
def _load_pem(pem_hex: str) -> OperatorPrivateKey:
    return OperatorPrivateKey.from_pem(parse_hex(pem_hex))


@lru_cache
def _key_set(size: int) -> dict[OperatorId, OperatorPrivateKey]:
    ders = test_keys()["sets"][str(size)]["operator_keys_pkcs1_der"]
    return {OperatorId(int(name)): OperatorPrivateKey.from_der(parse_hex(der)) for name, der in ders.items()}


def _four_operators() -> CommitteeMember:
    """Return operator 1's seat in the set of four; the files that create messages do not hold it."""
    keys = _key_set(4)
    committee = tuple(Operator(operator_id, key.public_pem()) for operator_id, key in sorted(keys.items()))
    return CommitteeMember(
        SIGNER,
        committee_id(keys),
        keys[SIGNER].public_pem(),
        faulty_nodes(len(committee)),
        committee,
        DomainType(bytes(4)),
    )


def _received(trees: Iterable[Json] | None) -> list[ReceivedMessage]:
    return [ReceivedMessage.decode(parse_signed(tree)) for tree in trees or ()]


def _check_root(expected: str, tree: Json) -> None:
    actual = json_root(tree)
    assert actual == expected, f"state root {actual}, expected {expected}"


def _check_decided(expected: Json, outbox: Outbox, decided: Sequence[Decided]) -> None:
    assert len(decided) == expected["DecidedCnt"], f"{len(decided)} decided"
    for item in decided:
        assert item.value == parse_bytes(expected["DecidedVal"]), "decided another value"
    outbox.check_broadcast_signatures()
    if expected["BroadcastedDecided"] is not None:
        wanted = parse_signed(expected["BroadcastedDecided"])
        found = sum(item == wanted for item in (*outbox.broadcast, *outbox.announced))
        assert found == 1, f"the decided message was broadcast {found} times"
