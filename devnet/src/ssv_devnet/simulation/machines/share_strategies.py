"""Wrong share signatures: what else may be sent in the place of one's shares. Consensus is left alone."""

from __future__ import annotations

from collections.abc import Iterator

from ssv_devnet.simulation.forgery import Forger
from ssv_devnet.simulation.machines.cabal import Cabal, Content, Letter, to_all
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures


class WrongShares:
    """Signs with another validator's share, another root, or nonsense; at times over roots that nobody decided."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Replace share signatures."""
        if not isinstance(content, PartialSignatures):
            yield from to_all(me, signed)
            return
        bent = cabal.random.choice((me.garbage, me.infinity, me.over_another_root, me.of_another_validator))
        cabal.bad_shares.setdefault(me.member.operator_id, set()).add(content.slot)
        message_id = signed.ssv_message.msg_id
        yield from to_all(me, me.batch(message_id, me.for_another_root(content)))
        yield from to_all(me, me.batch(message_id, bent(content)))


class WrongSharesFirst(WrongShares):
    """Sends wrong shares, and the right ones after them."""

    def bend(self, cabal: Cabal, me: Forger, signed: SignedSSVMessage, content: Content) -> Iterator[Letter]:
        """Replace share signatures, then tell the truth."""
        yield from super().bend(cabal, me, signed, content)
        if isinstance(content, PartialSignatures):
            yield from to_all(me, signed)
