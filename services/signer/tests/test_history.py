"""The optional history, on both databases: what a complete export says, and that it forbids enough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from services.signer.tests.databases import Database, SqliteDatabase
from services.signer.tests.harness import Signer
from tests.support.signing_world import SigningWorld

from ssv_protocol.signing import attestation, block
from ssv_protocol.signing import watermarks as rules
from ssv_protocol.signing.interchange import Interchange, KeyHistory, SignedAttestation, SignedBlock
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.verdict import Approved
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssv_runtime.slashing_client import export_complete_from, export_from, import_into
from ssv_signer import interchange
from ssv_signer.store import history, watermarks
from ssv_signer.store.database import Connection, Store

KEY, GENESIS = BlsPublicKey(b"\xa0" * 48), Root(bytes(32))
A, B = Root(b"\x0a" * 32), Root(b"\x0b" * 32)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with closing(database.open()) as opened:
        with opened.alone() as connection:
            history.keep(connection, opened.history_switch[True])
        yield opened


def vote(source: int, target: int, root: Root | None = A) -> SignedAttestation:
    return SignedAttestation(Epoch(source), Epoch(target), root)


def proposed(slot: int, root: Root | None = A) -> SignedBlock:
    return SignedBlock(Slot(slot), root)


def put(connection: Connection, *votes: SignedAttestation) -> None:
    for each in votes:
        record = AttestationRecord(each.source, each.target, each.signing_root)
        watermarks.put_attestations(connection, {KEY: record})


def exported(connection: Connection) -> KeyHistory:
    (known,) = interchange.histories(connection, [KEY])
    return known


class _Undone(Exception):
    pass


@pytest.fixture(scope="module")
def file() -> Iterator[Store]:
    """One SQLite file for all examples of the properties, each of which is undone."""
    with TemporaryDirectory() as folder, closing(SqliteDatabase(Path(folder)).open()) as opened:
        yield opened


@contextmanager
def emptied(store: Store) -> Iterator[Connection]:
    """Give a transaction of an empty database that keeps its history; it leaves nothing."""
    with suppress(_Undone), store.alone() as connection:
        history.keep(connection, store.history_switch[True])
        yield connection
        raise _Undone


def take(connection: Connection, given: KeyHistory) -> None:
    """As `import_into` does."""
    if history.is_kept(connection):
        history.put(connection, [given])
    interchange.merge(connection, rules.records_of(Interchange(GENESIS, (given,))))


def test_everything_since_the_first_mark(store: Store) -> None:
    votes = vote(0, 1, None), vote(1, 2), vote(1, 3, B), vote(3, 7)
    blocks = proposed(3, None), proposed(5), proposed(9, B)
    with store.alone() as connection:
        put(connection, *votes)
        for each in blocks:
            watermarks.put_proposals(connection, {KEY: ProposalRecord(each.slot, each.signing_root)})
        assert exported(connection) == KeyHistory(KEY, blocks, votes)


def test_nothing_is_kept_unless_it_is_wanted(database: Database) -> None:
    with closing(database.open()) as store, store.alone() as connection:
        put(connection, vote(0, 1), vote(1, 2))
        assert not history.is_kept(connection)
        assert history.attestations(connection, [KEY]) == {}
        history.keep(connection, store.history_switch[True])
        put(connection, vote(2, 3))
        # the watermark of that moment stands for all before
        assert exported(connection).attestations == (vote(1, 2), vote(2, 3))
        history.leave_off(connection, store.history_switch[False])
        put(connection, vote(3, 4), vote(4, 5))
        history.keep(connection, store.history_switch[True])
        put(connection, vote(5, 6))
        assert exported(connection).attestations == (vote(4, 5), vote(5, 6))


def test_a_raised_mark_hides_what_was_before(store: Store) -> None:
    """A restored database may have forgotten what was signed between; a complete file would say it knows."""
    with store.alone() as connection:
        put(connection, vote(0, 1), vote(1, 2), vote(6, 7, None), vote(7, 8))
        assert exported(connection).attestations == (vote(6, 7, None), vote(7, 8))
        # the target stays and the source rises: the same
        put(connection, vote(9, 8))
        assert exported(connection).attestations == (vote(9, 8),)


def test_a_minimal_file_hides_what_was_before_it(store: Store) -> None:
    with store.alone() as connection:
        put(connection, vote(0, 1), vote(1, 2))
        interchange.merge(connection, {KEY: KeyRecord(AttestationRecord(Epoch(8), Epoch(9), B))})
        put(connection, vote(9, 10))
        assert exported(connection).attestations == (vote(8, 9, B), vote(9, 10))


def test_a_complete_file_goes_on_where_it_begins(store: Store) -> None:
    given = KeyHistory(KEY, (proposed(4), proposed(6)), (vote(3, 4, B), vote(4, 5), vote(5, 6)))
    with store.alone() as connection:
        put(connection, vote(0, 1), vote(1, 2))
        take(connection, given)
        put(connection, vote(6, 7))
        known = exported(connection)
        assert known.attestations == (*given.attestations, vote(6, 7))
        assert known.blocks == given.blocks


def test_a_file_in_parts_is_as_one(store: Store) -> None:
    votes = tuple(vote(number, number + 1) for number in range(6))
    with store.alone() as connection:
        history.put(connection, [KeyHistory(KEY, (), votes[:3])])
        history.put(connection, [KeyHistory(KEY, (), votes[3:])], goes_on=[KEY])
        interchange.merge(connection, {KEY: KeyRecord(AttestationRecord(Epoch(5), Epoch(6), A))})
        assert exported(connection).attestations == votes


@given(st.data())
@settings(max_examples=100)
def test_a_complete_file_comes_back_as_it_was(file: Store, data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.booleans()), min_size=1, max_size=8))
    source = target = slot = 0
    files: list[KeyHistory] = []
    for _ in range(2):
        with emptied(file) as connection:
            if files:
                take(connection, files[-1])
            else:
                for risen, further, known in steps:
                    source, target, slot = source + risen, target + further, slot + further
                    put(connection, vote(source, target, A if known else None))
                    watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(slot), A if known else None)})
            files.append(exported(connection))
    assert files[1] == files[0]


def slashable(one: SignedAttestation, other: SignedAttestation) -> bool:
    double = one != other and one.target == other.target
    return double or any(
        first.source < second.source and second.target < first.target for first, second in ((one, other), (other, one))
    )


def allowed(known: tuple[SignedAttestation, ...], asked: SignedAttestation) -> bool:
    """What EIP-3076 lets a client sign that has imported a complete file and keeps everything."""
    return (
        not any(slashable(each, asked) for each in known)
        and asked.source >= min(each.source for each in known)
        and asked.target > min(each.target for each in known)
    )


def root_of(source: int, target: int, head: int) -> Root:
    return Root(bytes([source, target, head]) + bytes(29))


epochs = st.integers(0, 12)
votes = st.builds(lambda source, target, head: (source, target, root_of(source, target, head)), epochs, epochs, epochs)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("sign"), votes),
        st.tuples(st.just("sign and forget, then begin anew"), votes),
        st.tuples(st.just("raise"), votes),
        st.tuples(st.just("switch"), votes),
        st.tuples(st.just("import"), votes),
    ),
    max_size=14,
)


@given(actions, st.lists(votes, min_size=4, max_size=12))
@settings(max_examples=300)
def test_who_goes_on_with_a_complete_file_signs_nothing_slashable(
    file: Store, todo: list[tuple[str, tuple[int, int, Root]]], then: list[tuple[int, int, Root]]
) -> None:
    signed = set[SignedAttestation]()
    with emptied(file) as connection:
        put(connection, vote(0, 0, None))
        for action, (source, target, root) in todo:
            asked = vote(source, target, root)
            record = watermarks.attestations(connection, [KEY])[KEY]
            verdict = attestation.check(record, asked.source, asked.target, root, Epoch(12))
            if action == "import":
                if source < target and not any(slashable(each, asked) for each in signed):
                    take(connection, KeyHistory(KEY, (), (asked,)))
                    signed.add(asked)
            elif action == "switch":
                change = history.leave_off if history.is_kept(connection) else history.keep
                change(connection, file.history_switch[change is history.keep])
            elif action == "raise":
                raised = attestation.raised(record, Epoch(target))
                put(connection, vote(raised.source, raised.target, raised.signing_root))
            elif isinstance(verdict, Approved):
                signed.add(asked)
                after = verdict.record
                if action != "sign":  # the clock is at or beyond what was signed last
                    after = attestation.raised(record, Epoch(max(source, target)))
                put(connection, vote(after.source, after.target, after.signing_root))
        history.keep(connection, file.history_switch[True])
        known = exported(connection).attestations
    for source, target, root in then:
        asked = vote(source, target, root)
        if source < target and allowed(known, asked):
            assert not any(slashable(each, asked) for each in signed), (asked, known)


@given(st.lists(st.tuples(st.sampled_from(["sign", "raise"]), st.integers(0, 12)), max_size=12), st.integers(0, 14))
@settings(max_examples=100)
def test_no_second_block_after_a_complete_file(file: Store, todo: list[tuple[str, int]], asked: int) -> None:
    signed = set[int]()
    with emptied(file) as connection:
        watermarks.put_proposals(connection, {KEY: ProposalRecord(Slot(0))})
        for action, slot in todo:
            record = watermarks.proposals(connection, [KEY])[KEY]
            verdict = block.check(record, Slot(slot), A, Slot(12))
            if action == "raise":
                watermarks.put_proposals(connection, {KEY: block.raised(record, Slot(slot))})
            elif isinstance(verdict, Approved):
                watermarks.put_proposals(connection, {KEY: verdict.record})
                signed.add(slot)
        slots = [each.slot for each in exported(connection).blocks]
    if asked > min(slots) and asked not in slots:
        assert asked not in signed


@pytest.mark.asyncio
async def test_what_shares_sign_is_in_the_complete_file(signer: Signer, world: SigningWorld) -> None:
    validator = world.validator(1)
    async with signer.running(keep_history=True):
        await signer.hold(validator)
        targets = []
        for _ in range(3):
            (answer,) = await signer.sign(world.post_consensus([validator], signer.slot))
            assert answer.HasField("signed")
            targets.append(world.network.chain.epoch_of(signer.slot))
            signer.slot = Slot(signer.slot + 8)
        async with signer.client("cli") as stub:
            complete, minimal = await export_complete_from(stub), await export_from(stub)
            (key,) = complete.keys
            assert [each.target for each in key.attestations[1:]] == targets
            assert key.attestations[0].signing_root is None  # raised when the share was added
            assert all(each.signing_root for each in key.attestations[1:])
            assert rules.records_of(complete) == rules.records_of(minimal)
            done = await import_into(stub, complete)
            assert (done.raised, done.unchanged) == (0, 1)
            assert await export_complete_from(stub) == complete
