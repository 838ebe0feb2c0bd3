"""Short names for the consensus messages that the tests of the QBFT rule ask for."""

from __future__ import annotations

from libs.protocol.tests.signing.world import qbft_draft

from ssv_protocol.effects import QbftDraft
from ssv_protocol.types.roles import QbftMessageType

A, B = b"value a", b"value b"
PROPOSAL, PREPARE, COMMIT = QbftMessageType.PROPOSAL, QbftMessageType.PREPARE, QbftMessageType.COMMIT


def proposal(at_round: int, value: bytes) -> QbftDraft:
    return qbft_draft(PROPOSAL, at_round, value)


def prepare(at_round: int, value: bytes) -> QbftDraft:
    return qbft_draft(PREPARE, at_round, value)


def commit(at_round: int, value: bytes) -> QbftDraft:
    return qbft_draft(COMMIT, at_round, value)


def change(to_round: int, prepared: tuple[int, bytes] = (0, b"")) -> QbftDraft:
    return qbft_draft(QbftMessageType.ROUND_CHANGE, to_round, prepared[1], prepared_round=prepared[0])
