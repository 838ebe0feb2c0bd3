"""Admission, once for all operators: what it says of a message depends on the committee's keys alone."""

from __future__ import annotations

from functools import lru_cache

from ssv_protocol.crypto import rsa
from ssv_protocol.effects import Received
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.admission import admit, open_content
from ssv_protocol.types.message_id import COMMITTEE_ROLES, message_role
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember

REMEMBERED = 4096


class Door:
    """The door of every operator of a committee; remembers what it said of the latest messages."""

    def __init__(self, member: CommitteeMember) -> None:
        self._member = member
        self._answer = lru_cache(REMEMBERED)(self._judged)

    def admitted(self, encoded: bytes) -> Received:
        """Return the message; raises ProtocolError when it is refused."""
        answer = self._answer(encoded)
        if isinstance(answer, Received):
            return answer
        raise ProtocolError(answer)

    def _judged(self, encoded: bytes) -> Received | Reason:
        try:
            signed = SignedSSVMessage.decode(encoded)
            if message_role(signed.ssv_message.msg_id) in COMMITTEE_ROLES:
                return Received(signed, admit(self._member, signed))
            signed.validate()
            if not rsa.verify_envelope(self._member, signed):
                return Reason.ENVELOPE_SIGNATURE
            return Received(signed, open_content(signed))
        except ProtocolError as error:
            return error.reason
