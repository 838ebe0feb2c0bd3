"""The checks of the thousand slots can fail: machines and signers that are broken on purpose are found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache

import pytest

from ssv_devnet.committee.local_signer import LocalSigner, SignResult
from ssv_devnet.simulation.machines.campaign import Campaign, CampaignResult
from ssv_devnet.simulation.machines.figures import fingerprint
from ssv_devnet.simulation.machines.promises import broken_promises, promised_slots
from ssv_devnet.simulation.machines.share_strategies import WrongShares
from ssv_devnet.simulation.machines.stage import play
from ssv_devnet.simulation.machines.strategies import BadValue, Equivocate, ForgeDecisions, ForgeJustifications
from ssv_devnet.simulation.machines.verdict import (
    agreement,
    said_twice,
    slashable_shares,
    slashable_validators,
    violations,
    wrongly_named,
)
from ssv_protocol.effects import PostConsensusDraft, QbftDraft, ShareSignatures
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.types.operator import CommitteeMember

Check = Callable[[CampaignResult], list[str]]
SEED = 1
EQUIVOCATE, FORGE = Equivocate(), ForgeJustifications()


class ForgetsVotes(LocalSigner):
    """Signs by the rules, and forgets what it attested."""

    def _sign_post_consensus(self, draft: PostConsensusDraft, clock: Slot) -> SignResult:
        attestations = dict(self._attestations)
        result = super()._sign_post_consensus(draft, clock)
        self._attestations = attestations
        return result


class ForgetsSteps(LocalSigner):
    """Signs by the rules, and forgets what it said in a consensus."""

    def _sign_qbft(self, draft: QbftDraft, clock: Slot) -> SignResult:
        self._consensus.clear()
        return super()._sign_qbft(draft, clock)


class QuorumOfTwoF(CommitteeMember):
    """Believes that 2f of 3f + 1 decide."""

    __slots__ = ()

    @property
    def quorum(self) -> int:
        return 2 * self.faulty_nodes


def believes_two_f(member: CommitteeMember) -> CommitteeMember:
    return QuorumOfTwoF(*(getattr(member, field.name) for field in fields(member)))


def everybody(item: ShareSignatures) -> frozenset[OperatorId]:
    return frozenset(item.partials)


def nothing(*_: object, **__: object) -> None:
    """Check nothing."""


@cache
def sound(campaign: Campaign) -> None:
    assert not violations(play(campaign)), f"replay: {campaign.replay}"


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    assert fingerprint(play(Campaign(SEED, 4, 10))) == fingerprint(play(Campaign(SEED, 4, 10)))
    assert fingerprint(play(Campaign(SEED, 4, 10))) != fingerprint(play(Campaign(SEED + 1, 4, 10)))


def test_without_traitors_and_storms_everything_is_decided_in_the_first_round() -> None:
    result = play(Campaign(SEED, 4, 24, traitors=0, calm=True))
    assert not violations(result)
    assert promised_slots(result) == result.slots
    assert set(result.book.rounds.values()) == {1}


def test_a_promise_that_is_not_kept_is_found() -> None:
    result = play(Campaign(SEED, 4, 10, calm=True))
    assert not broken_promises(result)
    result.beacon.attesting.included.clear()
    result.beacon.blocks.clear()
    result.book.finished.clear()
    faults = " ".join(broken_promises(result))
    assert "no good vote" in faults
    assert "no block" in faults
    assert "did not end it" in faults


def test_a_signer_that_forgets_its_votes_is_found_and_none_else() -> None:
    sound(Campaign(SEED, 4, 24))
    result = play(Campaign(SEED, 4, 24, signer=ForgetsVotes))
    assert slashable_shares(result)
    assert slashable_validators(result)
    assert not agreement(result)


@pytest.mark.parametrize("size", [4, 7])
def test_a_quorum_of_two_f_is_found(size: int) -> None:
    assert agreement(play(Campaign(SEED, size, 30, strategies=(EQUIVOCATE,), seat_of=believes_two_f)))


def test_a_signer_that_forgets_what_it_said_is_found() -> None:
    sound(Campaign(SEED, 7, 30, storm_share=1.0))
    assert said_twice(play(Campaign(SEED, 7, 30, storm_share=1.0, signer=ForgetsSteps)))


@pytest.mark.parametrize(
    ("strategy", "rule", "broken", "check"),
    [
        (EQUIVOCATE, "ssv_protocol.qbft.state.State.lock", None, broken_promises),
        (FORGE, "ssv_protocol.qbft.proposal.check_justification", nothing, agreement),
        (FORGE, "ssv_protocol.qbft.justification.check_round_change", nothing, agreement),
        (FORGE, "ssv_protocol.qbft.justification.check_height", nothing, agreement),
        (FORGE, "ssv_protocol.qbft.justification.check_signatures", nothing, agreement),
        (BadValue(), "ssv_protocol.runners.beacon_vote_check.BeaconVoteCheck.__call__", nothing, broken_promises),
        (ForgeDecisions(), "ssv_devnet.simulation.machines.stand_in.Notary.verify_rsa", lambda *_: True, agreement),
        (WrongShares(), "ssv_protocol.crypto.combine.bad_shares", everybody, wrongly_named),
    ],
    ids=lambda value: value.rpartition("ssv_")[2] if isinstance(value, str) else "",
)
def test_a_rule_that_is_not_kept_is_found(
    strategy: object, rule: str, broken: object, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = Campaign(SEED, 7, 30, strategies=(strategy,))  # type: ignore[arg-type]
    sound(campaign)
    monkeypatch.setattr(rule, broken)
    assert check(play(campaign))
