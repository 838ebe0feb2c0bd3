"""Two axes of time: the SSV fork and the Ethereum fork, both chosen by the duty's slot.

Never choose by the present moment and never in the middle of a duty: a duty that starts under one rule set
ends under it.

Source: SIP "fork support"; ssv-spec types/domain_type.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork
from ssv_protocol.networks import SsvNetwork
from ssv_protocol.qbft.config import LeaderFunction
from ssv_protocol.qbft.leader import alan_leader, boole_leader
from ssv_protocol.types.ids import DomainType, Round, Slot
from ssv_protocol.types.roles import RunnerRole


class SsvFork(StrEnum):
    """Rule sets of the SSV protocol."""

    ALAN = "alan"
    BOOLE = "boole"


@dataclass(frozen=True, slots=True)
class Network:
    """An SSV network on its beacon chain; answers what holds at a slot."""

    ssv: SsvNetwork
    chain: BeaconChain

    def ssv_fork_at(self, slot: Slot) -> SsvFork:
        """Return the SSV rule set for duties of `slot`."""
        boole_epoch = self.ssv.boole_epoch
        if boole_epoch is not None and self.chain.epoch_of(slot) >= boole_epoch:
            return SsvFork.BOOLE
        return SsvFork.ALAN

    def domain_at(self, slot: Slot) -> DomainType:
        """Return the SSV domain for messages of `slot`."""
        return self.domain_of(self.ssv_fork_at(slot))

    def domain_of(self, fork: SsvFork) -> DomainType:
        """Return the SSV domain for messages under a rule set."""
        if fork is SsvFork.BOOLE and self.ssv.boole_domain is not None:
            return self.ssv.boole_domain
        return self.ssv.alan_domain

    def leader_at(self, slot: Slot) -> LeaderFunction:
        """Return the leader function for consensus at height `slot`."""
        if self.ssv_fork_at(slot) is SsvFork.BOOLE:
            return boole_leader
        return alan_leader

    def quick_timeout_at(self, slot: Slot, role: RunnerRole) -> float:
        """Return the length in seconds of a quick QBFT round for a duty of `slot`."""
        if role is not RunnerRole.PROPOSER:
            return self.ssv.quick_timeout_s
        boole = self.ssv_fork_at(slot) is SsvFork.BOOLE
        return self.ssv.boole_proposer_timeout_s if boole else self.ssv.alan_proposer_timeout_s

    def last_round_of(self, role: RunnerRole) -> Round | None:
        """Return the round after which a role's consensus is given up; None where only the cut-off holds."""
        return self.ssv.last_proposer_round if role is RunnerRole.PROPOSER else None

    def beacon_fork_at(self, slot: Slot) -> BeaconFork:
        """Return the Ethereum fork for duties of `slot`."""
        return self.chain.fork_at(self.chain.epoch_of(slot)).fork
