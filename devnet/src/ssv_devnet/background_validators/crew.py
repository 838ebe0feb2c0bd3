"""What every duty of the background client works with."""

from __future__ import annotations

from dataclasses import dataclass

from ssv_devnet.background_validators.duty_book import DutyBook
from ssv_devnet.background_validators.handover import Handover
from ssv_devnet.background_validators.keyring import Keyring
from ssv_ethereum.beacon.node import BeaconNode
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import compute_signing_root
from ssv_protocol.types.ids import Epoch, Root


@dataclass(frozen=True, slots=True)
class Crew:
    """The beacon node, its chain, all keys, all duties, and who has been handed over."""

    node: BeaconNode
    chain: BeaconChain
    keyring: Keyring
    duties: DutyBook
    handover: Handover

    def signing_root(self, object_root: Root, domain_type: bytes, epoch: Epoch) -> Root:
        """Return what is signed for an object of `epoch`."""
        return compute_signing_root(object_root, self.chain.domain(domain_type, epoch))
