"""The interchange vectors pass on every store, and a vector fails when one thing in it is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ssv_protocol.signing import interchange
from ssv_protocol.signing.interchange import Interchange
from ssv_protocol.types.ids import Root
from tests.interchange.replay import FORMS, Form, MemoryStore, replay
from tests.interchange.stores import NAMES, DatabaseStore, NewStore, stores
from tests.interchange.vectors import VARIABLE, Json, Vector, VectorsMissing, vectors

Spoil = Callable[[list[Json]], object]


@pytest.fixture(scope="module")
def known_stores() -> Iterator[dict[str, NewStore]]:
    with stores() as known:
        assert tuple(known) == NAMES
        yield known


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_every_vector_passes(known_stores: dict[str, NewStore], name: str, form: Form) -> None:
    problems = {}
    for vector in vectors():
        with known_stores[name]() as store:
            problems[vector.name] = replay(vector, store, form)
    assert len(problems) == 38
    assert {vector: found for vector, found in problems.items() if found} == {}


@pytest.mark.parametrize("name", NAMES[1:])
def test_every_vector_passes_with_a_history_that_comes_back_as_it_was(
    known_stores: dict[str, NewStore], name: str
) -> None:
    """What a store exports in the complete form, after all that a vector does, a new one exports again."""
    seen = 0
    for vector in vectors():
        with known_stores[name]() as store, known_stores["sqlite"]() as other:
            assert isinstance(store, DatabaseStore)
            assert isinstance(other, DatabaseStore)
            store.keep_history()
            other.keep_history()
            assert replay(vector, store, "given") == []
            complete = store.complete()
            network = Root(bytes.fromhex(vector.genesis_validators_root[2:]))
            file = interchange.encode(Interchange(network, complete))
            other.take(interchange.parse(file))
            assert other.complete() == complete, vector.name
            for key in complete:
                assert other.get(key.pubkey) == store.get(key.pubkey), vector.name
            seen += sum(len(key.attestations) + len(key.blocks) for key in complete)
    assert seen > 100


def vector_of(name: str) -> Vector:
    return next(vector for vector in vectors() if vector.name == name)


def flip(kind: str, place: int, field: str) -> Spoil:
    return lambda steps: steps[-1][kind][place].update({field: not steps[-1][kind][place][field]})


AGAIN = "single_validator_resign_attestation"
BLOCK = "single_validator_single_block"
SPOILED: list[tuple[str, Form, Spoil]] = [
    (BLOCK, "given", flip("blocks", 0, "should_succeed")),
    (BLOCK, "minimal", flip("blocks", 0, "should_succeed")),
    ("single_validator_single_attestation", "given", flip("attestations", 0, "should_succeed")),
    (AGAIN, "given", flip("attestations", 2, "should_succeed_complete")),
    (AGAIN, "minimal", flip("attestations", 2, "should_succeed")),
    (BLOCK, "given", lambda steps: steps[0]["interchange"]["metadata"].update(interchange_format_version="4")),
    (BLOCK, "given", lambda steps: steps[0]["interchange"]["data"].clear()),
    (BLOCK, "given", lambda steps: steps[0].update(should_succeed=False)),
    ("wrong_genesis_validators_root", "given", lambda steps: steps[0].update(should_succeed=True)),
]


@pytest.mark.parametrize(("name", "form", "spoil"), SPOILED)
def test_a_spoiled_vector_fails(name: str, form: Form, spoil: Spoil) -> None:
    vector = vector_of(name)
    assert replay(vector, MemoryStore(), form) == []
    steps = copy.deepcopy(vector.steps)
    spoil(steps)
    assert replay(replace(vector, steps=steps), MemoryStore(), form)


def test_missing_vectors_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(VectorsMissing, match=VARIABLE):
        next(vectors())
