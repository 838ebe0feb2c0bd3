"""Every rule has a message that breaks it alone, and the messages before it pass."""

from __future__ import annotations

import pytest
from libs.protocol.tests.validation import cases_of_form, cases_of_past
from libs.protocol.tests.validation.cases import Case
from libs.protocol.tests.validation.good_messages import GOOD
from libs.protocol.tests.validation.gossip_world import Ears, ears

from ssv_protocol.validation.history import Histories
from ssv_protocol.validation.rules import RULES
from ssv_protocol.validation.verdict import Accept, GossipReason

CASES = [*cases_of_form.CASES, *cases_of_past.CASES]
LAST_RULE = 64
ELSEWHERE = {
    GossipReason.PUBSUB_SIGNATURE,  # the gateway's own rules
    GossipReason.PUBSUB_AUTHOR,
    GossipReason.PUBSUB_TOPICS,
    GossipReason.FAULT,
    GossipReason.NO_REGISTRY,  # a test of its own in test_gossip
}


def name(case: Case) -> str:
    return f"{case.rule}-{case.reason}"


@pytest.mark.parametrize("kind", GOOD)
def test_good_messages_are_accepted(kind: str) -> None:
    assert isinstance(ears().hear(GOOD[kind]()), Accept)


def test_good_messages_are_accepted_one_after_the_other() -> None:
    node = ears()
    rounds = {"justified proposal": 2, "round change": 2, "prepared round change": 3}
    order = sorted(GOOD, key=lambda kind: rounds.get(kind, 1))
    assert [kind for kind in order if not isinstance(node.hear(GOOD[kind]()), Accept)] == []


@pytest.mark.parametrize("case", CASES, ids=name)
def test_what_breaks_a_rule_is_refused_for_it(case: Case) -> None:
    node = Ears(case.known(), Histories())
    for make in case.before:
        assert isinstance(node.hear(make(), at=case.at), Accept)
    remembered = node.histories.records
    answer = node.hear(case.make(), case.topic, case.at)
    assert isinstance(answer, case.verdict)
    assert answer.reason is case.reason
    assert node.histories.records == remembered


@pytest.mark.parametrize("case", [case for case in CASES if case.before], ids=name)
def test_without_what_came_before_it_is_accepted(case: Case) -> None:
    node = Ears(case.known(), Histories())
    assert isinstance(node.hear(case.make(), case.topic, case.at), Accept)


@pytest.mark.parametrize("case", [case for case in CASES if case.before], ids=name)
def test_what_other_peers_brought_is_not_held_against_one(case: Case) -> None:
    node = Ears(case.known(), Histories())
    for make in case.before:
        node.hear(make(), at=case.at, peer=b"another peer")
    assert isinstance(node.hear(case.make(), case.topic, case.at), Accept)


def test_every_rule_and_every_reason_has_a_case() -> None:
    numbers = {number for rule in RULES.values() for number in rule.numbers}
    assert numbers == set(range(1, LAST_RULE + 1))
    assert {case.rule for case in CASES} == numbers | {0}
    assert {case.reason for case in CASES} | ELSEWHERE == set(GossipReason) == set(RULES)


def test_the_table_lists_each_rule_as_the_cases_have_it() -> None:
    for reason in set(GossipReason) - ELSEWHERE:
        assert {case.rule for case in CASES if case.reason is reason} - {0} <= set(RULES[reason].numbers)
    pairs = {(number, reason) for reason, rule in RULES.items() for number in rule.numbers}
    # the size of consensus content is rule 14 before it can be 26
    assert pairs - {(case.rule, case.reason) for case in CASES} == {(26, GossipReason.DATA_TOO_LARGE)}


def test_every_reason_is_explained_differently() -> None:
    texts = [rule.explanation for rule in RULES.values()]
    assert len(set(texts)) == len(texts)
    assert all(text[0].isupper() and text.endswith(".") for text in texts)
