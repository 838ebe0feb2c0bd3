"""What is applied, what is left alone, what is deleted."""

from __future__ import annotations

from typing import Any

from ssv_kube.handlers.drift import Applied, changes, digest_of, edition_of, key_of, marked

OURS = {"app.kubernetes.io/managed-by": "ssv-operator"}


def manifest(name: str = "a", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": OURS}, "data": data}


def live(made: dict[str, Any], version: str = "1", **metadata: Any) -> dict[str, Any]:
    there = marked(made)
    return there | {"metadata": there["metadata"] | {"resourceVersion": version} | metadata}


def remembered(made: dict[str, Any], edition: str = "1") -> dict[tuple[str, str], Applied]:
    return {key_of(made): Applied(digest_of(made), edition)}


def names(manifests: list[dict[str, Any]]) -> list[str]:
    return [each["metadata"]["name"] for each in manifests]


def test_what_is_not_there_is_applied() -> None:
    assert names(changes([manifest()], {}, {}).apply) == ["a"]


def test_what_is_as_it_was_applied_is_left_alone() -> None:
    made = manifest(key="value")
    assert changes([made], {key_of(made): live(made)}, remembered(made)).apply == []


def test_another_manifest_is_applied() -> None:
    old, new = manifest(key="old"), manifest(key="new")
    assert names(changes([new], {key_of(old): live(old)}, remembered(old)).apply) == ["a"]


def test_what_somebody_changed_is_repaired() -> None:
    made = manifest(key="value")
    assert names(changes([made], {key_of(made): live(made, version="2")}, remembered(made)).apply) == ["a"]


def test_what_somebody_removed_is_made_again() -> None:
    made = manifest()
    assert names(changes([made], {}, remembered(made)).apply) == ["a"]


def test_after_a_restart_everything_is_applied_once() -> None:
    made = manifest()
    assert names(changes([made], {key_of(made): live(made)}, {}).apply) == ["a"]


def test_status_does_not_count_as_a_change_where_there_is_a_generation() -> None:
    made = manifest()
    assert edition_of(live(made, "5", generation=2)) == edition_of(live(made, "6", generation=2))
    assert edition_of(live(made, "5", generation=2)) != edition_of(live(made, "5", generation=3))


def test_what_is_no_longer_wanted_is_deleted() -> None:
    made = manifest("old")
    assert names(changes([], {key_of(made): live(made)}, {}).delete) == ["old"]


def test_what_is_leaving_is_not_deleted_again() -> None:
    made = manifest("old")
    assert changes([], {key_of(made): live(made, deletionTimestamp="2026-01-01T00:00:00Z")}, {}).delete == []


def test_what_is_not_ours_is_never_deleted() -> None:
    other = manifest("other")
    other["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}
    assert changes([], {key_of(other): live(other)}, {}).delete == []


def test_the_mark_is_of_the_manifest_without_it() -> None:
    made = manifest()
    assert digest_of(marked(made)) != digest_of(made)
    assert marked(made)["metadata"]["annotations"]["ssv.network/manifest-hash"] == digest_of(made)
    assert "annotations" not in made["metadata"]
