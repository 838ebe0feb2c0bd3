"""Who may take the Lease, and what is written into it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import kubernetes_validate
import pytest

from ssv_kube.handlers.leader import Seen, may_take, taken

LEASE_S = 15.0


def lease(holder: str | None, version: str = "7", transitions: int = 3) -> dict[str, Any]:
    return {
        "metadata": {"resourceVersion": version},
        "spec": {"holderIdentity": holder, "leaseTransitions": transitions, "acquireTime": "then"},
    }


@pytest.mark.parametrize("given", [None, lease(None), lease(""), lease("me")])
def test_what_nobody_else_holds_may_be_taken_at_once(given: dict[str, Any] | None) -> None:
    assert may_take(given, "me", None, 0.0, LEASE_S)


def test_anothers_lease_may_not_be_taken_when_it_is_first_seen() -> None:
    assert not may_take(lease("other"), "me", None, 1_000_000.0, LEASE_S)


def test_anothers_lease_may_be_taken_after_its_time_without_a_word() -> None:
    seen = Seen("7", at_s=100.0)
    assert not may_take(lease("other"), "me", seen, 114.9, LEASE_S)
    assert may_take(lease("other"), "me", seen, 115.0, LEASE_S)


def test_a_word_since_then_counts() -> None:
    assert not may_take(lease("other", version="8"), "me", Seen("7", at_s=100.0), 200.0, LEASE_S)


def test_taking_over_names_the_edition_that_is_replaced(now: datetime) -> None:
    made = taken(lease("other"), "ssv-system", "me", now, LEASE_S)
    assert made["metadata"]["resourceVersion"] == "7"
    assert made["spec"]["holderIdentity"] == "me"
    assert made["spec"]["leaseTransitions"] == 4
    kubernetes_validate.validate(made, "1.37.0", strict=True)


def test_renewing_keeps_when_it_was_taken(now: datetime) -> None:
    made = taken(lease("me"), "ssv-system", "me", now, LEASE_S)
    assert made["spec"]["acquireTime"] == "then"
    assert made["spec"]["leaseTransitions"] == 3


def test_the_first_lease_has_no_edition(now: datetime) -> None:
    assert "resourceVersion" not in taken(None, "ssv-system", "me", now, LEASE_S)["metadata"]
