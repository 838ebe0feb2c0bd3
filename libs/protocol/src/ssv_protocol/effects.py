"""What a state machine is told (events) and what it wants done (effects).

A machine never performs anything: `step(event, at)` returns effects and the shell around it carries them
out. A machine never waits for a signature either: `Send` is sign-and-publish in one, and the operator's
own vote counts only when the shell feeds the signed message back as `Received`. A refusal to sign comes
back as `Refused` and rolls nothing back.

Source: architecture §2; ssv-spec qbft and ssv packages for what the messages mean.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.types.ids import (
    MessageId,
)
from ssv_protocol.types.qbft_message import QbftMessage


@dataclass(frozen=True, slots=True)
class QbftDraft:
    """A QBFT message to be signed. `full_data` travels outside of the signature."""

    message: QbftMessage
    full_data: bytes = b""

    @property
    def message_id(self) -> MessageId:
        """Whose duty the message belongs to."""
        return self.message.message_id
