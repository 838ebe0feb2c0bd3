"""The operators of a local network: each an embedded operator as `ssvctl up` runs it, and each other's peers.

With `databases` every operator's signer has its record in PostgreSQL, and one that is not grouped has two signers.

Invariant: however the block is left, no process of any operator is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from ssv_devnet.graffiti import graffiti_of
from ssv_devnet.local_network.databases import SignerDatabases
from ssv_devnet.local_network.signer_replicas import on_postgres, with_second_signer
from ssv_devnet.local_network.world import World
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import OperatorId
from ssv_runtime.files import write_atomically
from ssv_runtime.names import P2P_GATEWAY
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.embedded.operator_plan import Embedded, operator_plan, prepare
from ssvctl.embedded.service_settings import OperatorPorts
from ssvctl.embedded.settings import OperatorSettings
from ssvctl.operator_keys import write_operator_key
from ssvctl.supervisor.plan import Plan
from ssvctl.supervisor.ports import free_ports
from ssvctl.supervisor.probe import Readiness
from ssvctl.supervisor.runner import RunningPlan, running

_POLL_S = 0.1
MANY_OPERATORS = 10
THEIR_GOSSIP_DEGREE = 4
"""On one machine the copies of each message cost most: 13 operators make 104 of one at the network's degree of 8."""
_ADDRESS_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class LocalOperator:
    """An operator at work: its id, where its files are, where it listens, its processes."""

    operator_id: OperatorId
    folder: OperatorFolder
    ports: OperatorPorts
    running: RunningPlan


OnLook = Callable[[OperatorId, Mapping[str, Readiness]], None]


class OperatorsError(SsvError):
    """The operators of the local network can't be run; the text says why."""


def operator_folder(folder: Path, operator_id: OperatorId) -> OperatorFolder:
    """Return the folder of one operator."""
    return OperatorFolder.at(folder / f"operator-{operator_id}")


def peers_file(folder: Path) -> Path:
    """Return the file with the addresses of all gateways."""
    return folder / "peers.txt"


def embedded_operator(world: World, operator_id: OperatorId, key: OperatorPrivateKey, *, grouped: bool) -> Embedded:
    """Make an operator's folder with its key, which protects nothing here and is not encrypted."""
    folder = operator_folder(world.settings.folder, operator_id)
    prepare(folder)
    key_file = folder.root / "operator.pem"
    write_operator_key(key_file, key, None)
    peers = peers_file(world.settings.folder)
    peers.touch()
    settings = OperatorSettings(
        network_file=world.network_file,
        operator_key_file=key_file,
        beacon_urls=world.beacon.urls,
        execution_urls=world.execution.urls,
        p2p_peers_file=peers,
        graffiti=graffiti_of(operator_id),
        doppelganger_protection=False,  # nobody else has these keys, and the run is too short to wait for two epochs
        drain_s=3 * world.network.chain.slot_duration_s,
        services={P2P_GATEWAY: _gateway_settings(world.settings.operators)},
    )
    return Embedded(folder, settings, grouped)


def _gateway_settings(operators: int) -> dict[str, object]:
    everybody_has_one_address: dict[str, object] = {"limit_by_address": False}
    if operators >= MANY_OPERATORS:
        return {**everybody_has_one_address, "gossip_degree": THEIR_GOSSIP_DEGREE}
    return everybody_has_one_address


@asynccontextmanager
async def running_operators(
    world: World,
    grouped: Collection[OperatorId] = (),
    without: Collection[OperatorId] = (),
    databases: SignerDatabases | None = None,
) -> AsyncGenerator[dict[OperatorId, LocalOperator], None]:
    """Start all operators but those in `without`, those in `grouped` as one process each; they are not ready yet.

    Raises:
        OperatorsError: a gateway does not come up.
        ProcessRefused: something can't be started at all.
    """
    operators: dict[OperatorId, LocalOperator] = {}
    keys = {o: key for o, key in world.provisioned.operator_keys.items() if o not in without}
    async with AsyncExitStack() as stack:
        for (operator_id, key), (ports, second_signer) in zip(keys.items(), _ports_for(len(keys)), strict=True):
            operator = embedded_operator(world, operator_id, key, grouped=operator_id in grouped)
            if databases is None:
                plan = operator_plan(operator.folder, operator.settings, ports, grouped=operator.grouped)
            else:
                dsn_file = databases.write_dsn(operator_id, operator.folder.root / "postgres.dsn")
                plan = _plan_on_postgres(operator, dsn_file, ports, second_signer)
            processes = await stack.enter_async_context(running(plan))
            operators[operator_id] = LocalOperator(operator_id, operator.folder, ports, processes)
        await _introduce([operator.folder for operator in operators.values()], peers_file(world.settings.folder))
        try:
            yield operators
        finally:  # all at once: draining takes slots
            await asyncio.gather(*(operator.running.stop() for operator in operators.values()))


def _plan_on_postgres(operator: Embedded, dsn_file: Path, ports: OperatorPorts, second_signer: int) -> Plan:
    signers = (ports.signer,) if operator.grouped else (ports.signer, second_signer)
    tables = on_postgres(dsn_file, signers, operator.settings.services)
    settings = operator.settings.model_copy(update={"services": tables})
    plan = operator_plan(operator.folder, settings, ports, grouped=operator.grouped)
    return plan if operator.grouped else with_second_signer(plan, operator.folder, second_signer)


def _ports_for(operators: int) -> list[tuple[OperatorPorts, int]]:
    """Return ports for all operators at once, and of a second signer: one just started does not listen yet."""
    names = [field.name for field in fields(OperatorPorts)]
    found = iter(free_ports(operators * (len(names) + 1)))
    return [(OperatorPorts(**{name: next(found) for name in names}), next(found)) for _ in range(operators)]


async def until_ready(operators: Mapping[OperatorId, LocalOperator], on_look: OnLook = lambda *_: None) -> None:
    """Wait until all services of all operators are ready. Raises as `RunningPlan.until_ready`."""

    async def one(operator_id: OperatorId, operator: LocalOperator) -> None:
        await operator.running.until_ready(lambda now: on_look(operator_id, now))

    waiting = [asyncio.create_task(one(operator_id, operator)) for operator_id, operator in operators.items()]
    try:
        await asyncio.gather(*waiting)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _introduce(folders: Iterable[OperatorFolder], peers: Path) -> None:
    """Write the addresses of all gateways into the file that all of them read."""
    try:
        async with asyncio.timeout(_ADDRESS_TIMEOUT_S):
            addresses = [await _address(folder.p2p_address_file) for folder in folders]
    except TimeoutError:
        raise OperatorsError("a gateway did not come up; look into its log/p2p-gateway.log") from None
    write_atomically(peers, "".join(f"{address}\n" for address in addresses).encode())


async def _address(path: Path) -> str:
    while not (address := _read(path)):  # noqa: ASYNC110 (another process writes it)
        await asyncio.sleep(_POLL_S)
    return address


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
