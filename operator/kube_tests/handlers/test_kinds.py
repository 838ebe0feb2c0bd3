"""Kinds as the client library knows them."""

from __future__ import annotations

import pytest

from ssv_kube.handlers.cluster import _resource
from ssv_kube.handlers.kinds import CHILDREN, CRD, LEASE, NODE, OPTIONAL, POD, SECRET, Kind


@pytest.mark.parametrize("kind", [*CHILDREN, *OPTIONAL, CRD, LEASE, NODE, POD, SECRET], ids=lambda kind: kind.name)
def test_every_kind_may_be_asked_for_again(kind: Kind) -> None:
    first = _resource(kind)
    assert _resource(kind) is first  # the library refuses to register a second class for a kind
    assert first._api_info.plural == kind.plural
