"""How a node ends: its slashing record is put away, and not waited for longer than is said."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import kubernetes_validate
import pytest

from ssv_kube.handlers.farewell import SKIP_EXPORT, is_overdue, record_secrets
from ssv_kube.resources.node import Node
from ssv_protocol.signing import interchange

ROOT = "0x" + "11" * 32


def record(keys: int) -> interchange.Interchange:
    data = [
        f'{{"pubkey": "0x{number:096x}", "signed_blocks": [], '
        f'"signed_attestations": [{{"source_epoch": "1", "target_epoch": "2"}}]}}'
        for number in range(1, keys + 1)
    ]
    metadata = f'{{"interchange_format_version": "5", "genesis_validators_root": "{ROOT}"}}'
    return interchange.parse(f'{{"metadata": {metadata}, "data": [{",".join(data)}]}}'.encode())


def parts(secrets: list[dict[str, Any]]) -> list[interchange.Interchange]:
    return [interchange.parse(b64decode(each["data"]["slashing.json"])) for each in secrets]


@pytest.mark.parametrize(("keys", "secrets"), [(0, 1), (1, 1), (1000, 1), (1001, 2), (2500, 3)])
def test_every_key_is_in_one_file_and_each_file_is_whole(example: Callable[..., Node], keys: int, secrets: int) -> None:
    whole = record(keys)
    made = record_secrets(example("single"), whole)
    assert len(made) == secrets
    assert [key for part in parts(made) for key in part.keys] == list(whole.keys)
    assert {part.genesis_validators_root for part in parts(made)} == {whole.genesis_validators_root}


def test_secrets_with_the_record_outlive_the_node_and_fit(example: Callable[..., Node]) -> None:
    for each in record_secrets(example("single"), record(2500)):
        assert "ownerReferences" not in each["metadata"]
        assert len(b64decode(each["data"]["slashing.json"])) < 1024 * 1024 * 3 // 4
        kubernetes_validate.validate(each, "1.37.0", strict=True)


def leaving(now: datetime, **annotations: str) -> dict[str, Any]:
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"metadata": {"deletionTimestamp": moment, "annotations": annotations}}


def test_a_node_waits_for_its_record_as_long_as_is_said(now: datetime) -> None:
    body = leaving(now)
    assert not is_overdue(body, now + timedelta(seconds=599), 600.0)
    assert is_overdue(body, now + timedelta(seconds=600), 600.0)


def test_a_human_may_let_it_go_at_once(now: datetime) -> None:
    assert is_overdue(leaving(now, **{SKIP_EXPORT: "true"}), now, 600.0)
