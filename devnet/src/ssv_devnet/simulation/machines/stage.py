"""Play a campaign: the operators of a committee, its traitors and the weather on one event queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from random import Random

from ssv_devnet.committee.keys import ValidatorKeys, committee_members
from ssv_devnet.simulation.chain import SimulatedChain, simulated_chain
from ssv_devnet.simulation.forgery import Forger
from ssv_devnet.simulation.machines.beacon import BeaconNodes
from ssv_devnet.simulation.machines.book import Book
from ssv_devnet.simulation.machines.cabal import Cabal, Letter
from ssv_devnet.simulation.machines.campaign import DUTY_SLOTS, RESTART_SHARE, Campaign, CampaignResult
from ssv_devnet.simulation.machines.door import Door
from ssv_devnet.simulation.machines.duties import Schedule
from ssv_devnet.simulation.machines.event_queue import EventQueue
from ssv_devnet.simulation.machines.operator import Operator
from ssv_devnet.simulation.machines.stand_in import Notary, StandInOperatorKey, StandInShareKey
from ssv_devnet.simulation.weather import WeatherLink
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.shares import split_key
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.runners.runner import Duty
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.duty import CommitteeDuty
from ssv_protocol.types.ids import Epoch, ExecutionAddress, Instant, OperatorId, Root, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.operator import CommitteeMember

SLOT_DURATION_S = 12.0
VALIDATORS = 4
FIRST_EPOCH = Epoch(1)
"""In the epoch before there is nothing that is justified."""


def play(campaign: Campaign) -> CampaignResult:
    """Play a campaign to its end."""
    return _Stage(campaign).play()


@cache
def _split_scalars(size: int) -> dict[ValidatorIndex, tuple[int, dict[OperatorId, int]]]:
    """Return each validator's key and its shares, by the real splitting."""
    random = Random(f"validators of {size}")
    split = {}
    for number in range(1, VALIDATORS + 1):
        key = SecretKey.generate(random.randbytes)
        shares = split_key(key, [OperatorId(oid) for oid in range(1, size + 1)], random.randbytes)
        scalars = {oid: int.from_bytes(share.to_bytes(), "big") for oid, share in shares.items()}
        split[ValidatorIndex(number)] = int.from_bytes(key.to_bytes(), "big"), scalars
    return split


def _begins(duty: Duty, slot_start: Instant) -> Instant:
    """Return when a duty of the slot begins: votes at a third, proofs of selection and blocks at once."""
    return Instant(slot_start + SLOT_DURATION_S / 3) if isinstance(duty, CommitteeDuty) else slot_start


class _Stage:
    """The parts of one campaign, put together."""

    def __init__(self, campaign: Campaign) -> None:
        chain = simulated_chain(SLOT_DURATION_S, genesis_time_s=0)
        boole = Epoch(FIRST_EPOCH + campaign.slots // chain.slots_per_epoch // 2)
        self.campaign = campaign
        ssv = local_network(ExecutionAddress(bytes(20)), SLOT_DURATION_S, boole)
        # progress past f bad leaders is promised, so proposals have the rounds of all roles
        all_rounds = replace(
            ssv,
            alan_proposer_timeout_s=ssv.quick_timeout_s,
            boole_proposer_timeout_s=ssv.quick_timeout_s,
            last_proposer_round=None,
        )
        self.network = Network(all_rounds, chain)
        self.first = chain.first_slot(FIRST_EPOCH)
        self.queue = EventQueue(chain.slot_start(self.first))
        self.random = Random(f"{campaign.seed}/stage")
        self.keys = {oid: StandInOperatorKey(f"operator {oid}") for oid in campaign.operator_ids}
        self.book = Book(campaign.seed, campaign.honest)
        self.validators = {
            index: self._validator(index, key, shares) for index, (key, shares) in _split_scalars(campaign.size).items()
        }
        pubkeys = {index: keys.pubkey for index, keys in self.validators.items()}
        self.beacon = BeaconNodes(SimulatedChain(chain, pubkeys, campaign.seed, moving_duties=True))
        self.schedule = Schedule(self.network, self.beacon)
        self.link = WeatherLink(campaign.weather, campaign.seed, self._slot_of_campaign)
        self.letters = 0
        members = committee_members(self.keys, self.network.ssv.alan_domain)
        forgers = {oid: self._forger(members[oid]) for oid in sorted(campaign.byzantine)}
        door = Door(members[campaign.operator_ids[0]])
        self.cabal = Cabal(
            forgers,
            campaign.strategies,
            campaign.seed,
            Random(f"{campaign.seed}/cabal"),
            self.network.leader_at,
            door,
            self._post,
        )
        self.operators = {oid: self._operator(campaign.seat_of(member), door) for oid, member in members.items()}

    def play(self) -> CampaignResult:
        notary = Notary()
        for operator_key in self.keys.values():
            notary.register_operator(operator_key)
        for key, shares in _split_scalars(self.campaign.size).values():
            for scalar in (key, *shares.values()):
                notary.register_share(StandInShareKey(scalar))
        slots = tuple(Slot(self.first + number) for number in range(self.campaign.slots))
        with notary.instead_of_cryptography():
            for slot in slots:
                self._begin_slot(slot)
                self.queue.run_until(self.network.chain.slot_start(Slot(slot + 1)))
            self.queue.run_until(self.network.chain.slot_start(Slot(slots[-1] + DUTY_SLOTS)))
        return CampaignResult(
            self.campaign,
            committee_id(self.campaign.operator_ids),
            self.network,
            self.beacon,
            self.schedule,
            self.book,
            self.cabal,
            slots,
            self.letters,
            self.link.lost,
        )

    def _begin_slot(self, slot: Slot) -> None:
        campaign, start = self.campaign, self.network.chain.slot_start(slot)
        stormy = campaign.weather.is_stormy(campaign.seed, self._slot_of_campaign())
        duties = self.schedule.duties(slot)
        for operator_id, operator in self.operators.items():
            operator.forget_before(Slot(slot - DUTY_SLOTS + 1))
            for duty in duties:
                at = _begins(duty, start) + self.random.uniform(0.0, 0.1)
                self.queue.at(Instant(at), partial(operator.begin, duty))
            if stormy and operator_id in campaign.honest and self.random.random() < RESTART_SHARE:
                at = start + self.random.uniform(0.0, SLOT_DURATION_S)
                self.queue.at(Instant(at), partial(operator.restart, slot))

    def _operator(self, member: CommitteeMember, door: Door) -> Operator:
        me, domain = member.operator_id, self.network.ssv.alan_domain
        shares = {index: keys.share_of(me, domain) for index, keys in self.validators.items()}
        signer = self.campaign.signer(member, self.network, self.keys[me], lambda: self.queue.now)
        for index, share in shares.items():
            signer.add_share(share, self.validators[index].secrets[me], Epoch(FIRST_EPOCH - 1))
        honest = me in self.campaign.honest
        publish = self._honest_publish(me) if honest else lambda signed: self.cabal.publish(me, signed)
        random = Random(f"{self.campaign.seed}/operator/{me}")
        return Operator(member, shares, self.network, signer, self.beacon, self.queue, door, publish, self.book, random)

    def _forger(self, member: CommitteeMember) -> Forger:
        me = member.operator_id
        secrets = {index: keys.secrets[me] for index, keys in self.validators.items()}
        return Forger(member, self.keys[me], secrets, Random(f"{self.campaign.seed}/forger/{me}"))

    def _validator(self, index: ValidatorIndex, key: int, shares: dict[OperatorId, int]) -> ValidatorKeys:
        secrets = {oid: StandInShareKey(scalar, self._noting(oid, index)) for oid, scalar in shares.items()}
        return ValidatorKeys(index, StandInShareKey(key).public_key(), secrets)

    def _noting(self, operator_id: OperatorId, index: ValidatorIndex) -> Callable[[Root], None]:
        if operator_id not in self.campaign.honest:
            return lambda root: None
        return lambda root: self.book.share_signatures.add((operator_id, index, root))

    # the network

    def _honest_publish(self, me: OperatorId) -> Callable[[SignedSSVMessage], None]:
        peers = [oid for oid in self.campaign.operator_ids if oid != me]

        def publish(signed: SignedSSVMessage) -> None:
            encoded = signed.encode()
            for peer in peers:
                self._send(me, peer, encoded, 0.0)

        return publish

    def _post(self, letter: Letter) -> None:
        self._send(letter.sender, letter.receiver, letter.signed.encode(), letter.delay_s)

    def _send(self, sender: OperatorId, receiver: OperatorId, encoded: bytes, delay_s: float) -> None:
        self.letters += 1
        for on_the_way_s in self.link(sender, receiver):
            self.queue.after(delay_s + on_the_way_s, lambda: self._deliver(receiver, encoded))

    def _deliver(self, receiver: OperatorId, encoded: bytes) -> None:
        if receiver in self.campaign.byzantine:
            self.cabal.overhear(encoded)
        self.operators[receiver].deliver(encoded)

    def _slot_of_campaign(self) -> Slot:
        return Slot(self.network.chain.slot_at(self.queue.now) - self.first)
