"""What a test of signer processes stands on: a database, keys, certificates, shares that may sign now, processes."""

from __future__ import annotations

import random
import time
from pathlib import Path

import grpc

from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_protocol.signing import window
from ssv_protocol.types.ids import Instant, Slot
from ssv_runtime.logs import make_logger
from ssv_runtime.network_file import write_network_file
from ssv_runtime.rpc.client import resolvable
from ssv_runtime.rpc.limits import client_options
from ssv_runtime.service import Service
from ssv_signer.service import serving
from ssv_signer.settings import SignerSettings
from tests.chaos.databases import ChaosDatabase
from tests.chaos.signer_process import Signers
from tests.chaos.signing_load import Load
from tests.support.service_certificates import tls_settings, write_certificates
from tests.support.signer_leases import SignerLeases
from tests.support.signing_world import SigningWorld, local_chain

SLOT_S, SLOTS_PER_EPOCH = 60.0, 2
"""Slots so long that none leaves the signer's window while a test runs, epochs so short that many fit into it."""


class Ground:
    """Of operator 1, who sits in every committee of four among `operators`; each has three validators."""

    def __init__(self, folder: Path, database: ChaosDatabase, operators: int, rng: random.Random) -> None:
        self.folder = folder
        self.database = database
        genesis = int(time.time() - 100 * SLOT_S - SLOT_S / 2)
        self.world = SigningWorld(local_chain(SLOTS_PER_EPOCH, SLOT_S, genesis), range(1, operators + 1))
        self.load = Load(self.world, 3, rng)
        self.leases = SignerLeases()
        self._certificates = write_certificates(folder / "certs", ("signer", "consensus", "eth1-listener"))
        write_network_file(folder / "network.json", self.world.network)
        (folder / "operator.pem").write_bytes(self.world.own_key.to_pem())
        self.settings = SignerSettings.model_validate(
            {
                "network_file": folder / "network.json",
                "operator_key_file": folder / "operator.pem",
                "log_level": "error",
                "cold_start": "trust-disk",
                **database.settings,
                **tls_settings(self._certificates, "signer"),
            }
        )
        every = [validator for held in self.load.validators.values() for validator in held]
        self.shares = {validator.index: validator.share_pubkey for validator in every}

    def signers(self, *, sabotage: bool = False, folder: Path | None = None, port: int = 0) -> Signers:
        """Return what starts signers on this database, at a `port` or any; a folder of its own for each of several."""
        given = {**self.settings.model_dump(exclude_unset=True), "grpc_port": port}
        arguments = [part for key, value in given.items() for part in (f"--{key.replace('_', '-')}", str(value))]
        return Signers(folder or self.folder, arguments, sabotage)

    async def add_shares(self) -> None:
        """Add all shares and claim their committees.

        The signer's clock stands at the oldest slot of the window, so many epochs are left.
        """
        chain = self.world.network.chain
        clock = chain.slot_at(Instant(time.time()))
        oldest = Slot(window.oldest(clock) + 1)
        first = chain.first_slot(chain.epoch_of(Slot(oldest + 2 * SLOTS_PER_EPOCH)))
        self.load.span(first, window.latest(chain, clock))
        every = [validator for held in self.load.validators.values() for validator in held]
        async with (
            Service("signer", log=make_logger("signer", "error")) as service,
            serving(self.settings, service, lambda: chain.slot_start(oldest)) as port,
            self.channel(port, "eth1-listener") as channel,
        ):
            stub = SignerStub(channel)
            for validator in every:
                await stub.AddShare(validator.add)
            async with self.channel(port) as worker:
                await self.leases.take(SignerStub(worker))
            service.stopping.set()

    def channel(self, port: int, caller: str = "consensus") -> grpc.aio.Channel:
        """Return a channel to a signer."""
        return self.channel_to(f"127.0.0.1:{port}", caller)

    def channel_to(self, target: str, caller: str = "consensus") -> grpc.aio.Channel:
        """Return a channel to all signers at a target."""
        files = tls_settings(self._certificates, caller)
        ca, certificate, key = (files[name].read_bytes() for name in ("tls_ca", "tls_cert", "tls_key"))
        credentials = grpc.ssl_channel_credentials(ca, key, certificate)
        return grpc.aio.secure_channel(resolvable(target), credentials, client_options("signer"))
