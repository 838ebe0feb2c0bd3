from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from ssv_consensus.seats import padded_graffiti
from ssv_consensus.settings import SAFE_PROPOSER_DELAY_S, ConsensusSettings
from ssv_protocol.runners.seats import DEFAULT_GAS_LIMIT

Make = Callable[..., ConsensusSettings]


@pytest.fixture
def settings(tmp_path: Path) -> Make:
    """What has no default is there; everything else as the test says."""
    files = {name: tmp_path / name for name in ("network_file", "tls_ca", "tls_cert", "tls_key")}
    for file in files.values():
        file.touch()
    targets = {"signer_target": "127.0.0.1:1", "registry_target": "127.0.0.1:2", "beacon_urls": ["http://127.0.0.1:3"]}

    def make(**chosen: object) -> ConsensusSettings:
        return ConsensusSettings.model_validate({**files, **targets, **chosen})

    return make


def test_what_concerns_blocks_has_careful_defaults(settings: Make) -> None:
    made = settings()
    assert made.gas_limit == DEFAULT_GAS_LIMIT
    assert made.proposer_delay_s == 0
    assert made.builder_boost_percent is None
    assert padded_graffiti(made.graffiti) == bytes(32)


def test_graffiti_fits_into_a_block(settings: Make) -> None:
    assert padded_graffiti(settings(graffiti=16 * "é").graffiti) == 16 * "é".encode()
    with pytest.raises(ValidationError, match="more than 32 bytes"):
        settings(graffiti=16 * "é" + "!")


def test_a_delay_that_loses_blocks_needs_to_be_meant(settings: Make) -> None:
    assert settings(proposer_delay_s=SAFE_PROPOSER_DELAY_S).proposer_delay_s == SAFE_PROPOSER_DELAY_S
    with pytest.raises(ValidationError, match="unsafe_proposer_delay"):
        settings(proposer_delay_s=SAFE_PROPOSER_DELAY_S + 0.01)
    assert settings(proposer_delay_s=2.5, unsafe_proposer_delay=True).proposer_delay_s == 2.5


@pytest.mark.parametrize("wrong", [{"gas_limit": 0}, {"proposer_delay_s": -1}, {"builder_boost_percent": -1}])
def test_numbers_that_mean_nothing_are_refused(settings: Make, wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)
