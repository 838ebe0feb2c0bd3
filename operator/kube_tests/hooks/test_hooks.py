"""What the chart's hooks make of what they find."""

from __future__ import annotations

from typing import Any

from ssv_kube.hooks.before_delete import others_of
from ssv_kube.hooks.release_test import troubles

LEASE = {"spec": {"holderIdentity": "ssv-operator-0"}}


def node(status: str, message: str = "") -> dict[str, Any]:
    return {"status": {"conditions": [{"type": "Ready", "status": status, "message": message}]}}


def test_nodes_that_the_release_did_not_make_are_named() -> None:
    found = [("staking", "ssv"), ("staking", "mine"), ("other", "ssv")]
    assert others_of(found, ("staking", "ssv")) == ["other/ssv", "staking/mine"]
    assert others_of(found, None) == ["other/ssv", "staking/mine", "staking/ssv"]


def test_a_release_that_is_well() -> None:
    assert troubles(LEASE, "ssv", node("True")) == []
    assert troubles(LEASE, "", None) == []


def test_everything_that_is_not_well_is_said() -> None:
    assert "no operator leads" in troubles(None, "", None)[0]
    assert "no operator leads" in troubles({"spec": {"holderIdentity": ""}}, "", None)[0]
    assert "does not exist" in troubles(LEASE, "ssv", None)[0]
    assert troubles(LEASE, "ssv", node("False", "no beacon node")) == ["SSVNode ssv is not Ready: no beacon node"]
    assert "has not looked at it yet" in troubles(LEASE, "ssv", {})[0]
