"""What kopf is given to run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import kopf
import pytest

from ssv_kube.errors import NotYet
from ssv_kube.handlers.cluster import Cluster
from ssv_kube.handlers.kinds import CHILDREN, OPTIONAL, SECRET, kind_of
from ssv_kube.handlers.reconcile import Office, node_of
from ssv_kube.handlers.registration import Bells, kopf_settings, register
from ssv_kube.resources.children import children
from ssv_kube.resources.images import Images
from ssv_kube.resources.node import Node, Surroundings
from ssv_runtime.logs import make_logger


@pytest.fixture
def registry() -> kopf.OperatorRegistry:
    office = Office(
        cast(Cluster, None),  # nothing is called here
        Images("ssv", "1.0", "nats:2.15"),
        "ssv-system",
        make_logger("operator"),
        lambda: datetime.now(UTC),
    )
    return register(office, resync_s=30.0, export_limit_s=600.0)


def test_deletions_are_held_and_nodes_looked_after(registry: Any) -> None:
    ids = {each.id for each in registry._changing.get_all_handlers()}
    assert ids == {"let-go"}
    assert {each.id for each in registry._spawning.get_all_handlers()} == {"look-after"}


def test_changes_of_every_kind_of_child_wake(registry: Any) -> None:
    ids = {each.id for each in registry._watching.get_all_handlers()}
    assert ids == {"wake", *(f"wake-by-{kind.plural}" for kind in CHILDREN)}


def test_kopf_marks_objects_with_our_names_only() -> None:
    settings = kopf_settings()
    assert settings.persistence.finalizer == "ssv.network/slashing-export"
    assert settings.peering.standalone


def test_bells_are_one_a_node() -> None:
    bells = Bells()
    assert bells.of("a", "b") is bells.of("a", "b")
    assert bells.of("a", "b") is not bells.of("a", "c")


def test_every_child_is_of_a_kind_that_is_listed_and_pruned(node: Node, around: Surroundings) -> None:
    listed = {*CHILDREN, *OPTIONAL}
    assert {kind_of(each) for each in children(node, around)} <= listed
    assert SECRET not in listed


def test_a_spec_of_a_newer_version_is_told_so() -> None:
    body = {"metadata": {"name": "a", "namespace": "b", "uid": "c"}, "spec": {"preset": "huge"}}
    with pytest.raises(NotYet, match=r"preset: .*Mend the spec, or update the operator"):
        node_of(body)
