"""A real EVM for the local network: anvil, as a child process on loopback.

Invariant: whoever gets an `Anvil` has one that answers RPC with the wanted chain id, and whatever goes wrong
before that, cancellation included, leaves no process behind. On Linux it ends with the thread that started it, however
that ends. Chain state lives in memory and ends with the process.
Source of the flags: `anvil --help` of the version pinned in `devnet/evm/package.json`.
"""

import asyncio
import os
import platform
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import aiohttp
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import Web3Exception

from ssv_devnet.checkout import devnet_folder
from ssv_devnet.child_process import end
from ssv_protocol.errors import SsvError
from ssvctl.supervisor.ports import LOOPBACK, free_ports, is_free
from ssvctl.supervisor.process import tied

LOCAL_CHAIN_ID = 31337
_POLL_S = 0.05


class EvmError(SsvError):
    """The local EVM or the contract on it cannot do what was asked; the text names the remedy if any."""


@dataclass(frozen=True, slots=True)
class AnvilSettings:
    """`block_time_s` None mines each transaction at once. `slots_per_epoch` only moves the `safe` (one epoch
    behind head) and `finalized` (two) tags. `port` None picks a free one."""

    slots_per_epoch: int
    block_time_s: float | None = None
    port: int | None = None
    chain_id: int = LOCAL_CHAIN_ID
    start_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running anvil; `port` serves both HTTP and WebSocket."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def http_url(self) -> str:
        """For requests."""
        return f"http://{LOOPBACK}:{self.port}"

    async def stop(self) -> None:
        """End it. May be called again."""
        await end(self.process)


def anvil_binary() -> Path:
    """The native binary inside npm's platform package: no node
    process in between that would have to pass on signals.

    Raises EvmError when it is not installed or the platform has no package in the lock."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        here = f"{platform.system()} on {platform.machine()}"
        raise EvmError(f"The local network's npm lock holds anvil for Linux on x86_64 only; this is {here}.")
    binary = devnet_folder() / "evm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    if not os.access(binary, os.X_OK):
        raise EvmError("anvil is not installed under devnet/evm/node_modules: run `make setup`.")
    return binary


@asynccontextmanager
async def running_anvil(settings: AnvilSettings) -> AsyncIterator[Anvil]:
    """`start_anvil`, stopped on the way out however that is."""
    anvil = await start_anvil(settings)
    try:
        yield anvil
    finally:
        await anvil.stop()


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[AsyncWeb3[AsyncHTTPProvider]]:
    """A web3 client over HTTP that closes its sessions and does not retry by itself."""
    provider = AsyncHTTPProvider(url, exception_retry_configuration=None)
    try:
        yield AsyncWeb3(provider)
    finally:
        await provider.disconnect()


async def start_anvil(settings: AnvilSettings) -> Anvil:
    """Start anvil and wait until it answers.

    Raises EvmError: binary missing, port in use, exit or silence before the first answer.
    """
    binary = anvil_binary()
    port = free_ports(1)[0] if settings.port is None else settings.port
    if not is_free(port):
        raise EvmError(f"Port {port} is in use: stop what listens there or choose another.")
    command = [str(binary), "--quiet", "--host", LOOPBACK, "--port", str(port)]
    command += ["--chain-id", str(settings.chain_id), "--slots-in-an-epoch", str(settings.slots_per_epoch)]
    if settings.block_time_s is not None:
        command += ["--block-time", str(settings.block_time_s)]
    with tempfile.TemporaryFile() as last_words:
        process = await asyncio.create_subprocess_exec(
            *tied(command), stdin=asyncio.subprocess.DEVNULL, stdout=last_words, stderr=last_words
        )
        anvil = Anvil(process, port)
        try:
            answering = _answering(anvil, settings.chain_id, last_words)
            await asyncio.wait_for(answering, settings.start_timeout_s)
        except BaseException as error:
            await anvil.stop()
            if isinstance(error, TimeoutError):
                waited = f"anvil did not answer on port {port} within {settings.start_timeout_s} s"
                raise EvmError(f"{waited}{_tail(last_words)}") from None
            raise
    return anvil


async def _answering(anvil: Anvil, chain_id: int, last_words: IO[bytes]) -> None:
    """Poll until the chain id comes back; raises EvmError if the process ends or it is another chain's."""
    async with connect(anvil.http_url) as web3:
        while True:
            if anvil.process.returncode is not None:
                raise EvmError(f"anvil exited with code {anvil.process.returncode}{_tail(last_words)}")
            try:
                answer = await web3.eth.chain_id
            except (aiohttp.ClientError, Web3Exception, OSError):
                await asyncio.sleep(_POLL_S)
                continue
            if answer != chain_id:
                raise EvmError(f"Port {anvil.port} answers for chain {answer}, not {chain_id}: not our node.")
            return


def _tail(output: IO[bytes]) -> str:
    output.seek(0)
    text = output.read()[-2000:].decode(errors="replace").strip()
    return f": {text}" if text else "."
