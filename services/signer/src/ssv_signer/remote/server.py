"""The API as a part of the signer: its keys, its queue, its HTTP server. Off unless `remote_api_listen` is set.

Keystores are read after the server listens, in the background: a key is unknown until its keystore is open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from ssv_runtime.service import Service, write_port
from ssv_signer.batch import Commits
from ssv_signer.errors import StartRefused
from ssv_signer.remote.handlers import Handlers
from ssv_signer.remote.judge import Policy
from ssv_signer.remote.keys import KeyFolder
from ssv_signer.remote.listening import Listening
from ssv_signer.remote.meters import RemoteMeters
from ssv_signer.remote.recorder import RemoteJudgement, RemoteRecorder
from ssv_signer.remote.request import SigningRequest
from ssv_signer.remote.rules.table import KINDS
from ssv_signer.remote.signing import RemoteSigning
from ssv_signer.settings import SignerSettings
from ssv_signer.signatures import SigningPool
from ssv_signer.vault import Vault

_GRACE_S = 1.0


@asynccontextmanager
async def remote_api(
    listening: Listening | None,
    settings: SignerSettings,
    service: Service,
    vault: Vault,
    pool: SigningPool,
    keys: KeyFolder,
) -> AsyncIterator[int]:
    """Serve inside the block; gives the port, 0 for nowhere. Raises StartRefused."""
    if listening is None:
        yield 0
        return
    log, meters = service.log, RemoteMeters(service.metrics)
    policy = Policy(vault.network.chain, _denied_types(settings), settings.remote_keys_start)
    recorder = RemoteRecorder(vault, policy, keys.loaded, log)
    commits = Commits[SigningRequest, RemoteJudgement](recorder.record, settings.max_batch, meters, log)
    committing = service.spawn(commits.run, "remote group commit", restart=True)

    def reload() -> None:
        keys.begin()
        service.spawn(keys.load(), "reading keystores")

    signing = RemoteSigning(keys, commits, pool, meters, log)
    handlers = Handlers(signing, keys, reload, service.health.dependency("database"), listening, log)
    runner = web.AppRunner(handlers.application(), access_log=None, shutdown_timeout=_GRACE_S)
    await runner.setup()
    try:
        port = await _listen(runner, listening)
        write_port(settings.remote_api_port_file, port)
        log.info("serving remote signing", host=listening.host, port=port, tls=listening.tls is not None)
        reload()
        yield port
    finally:
        await runner.cleanup()
        commits.stop()
        await committing


def _denied_types(settings: SignerSettings) -> frozenset[str]:
    denied = frozenset(settings.remote_denied_types)
    if not denied <= KINDS.keys():
        unknown = ", ".join(sorted(denied - KINDS.keys()))
        raise StartRefused(f"remote_denied_types: {unknown} is no type; there are {', '.join(KINDS)}")
    return denied


def key_folder(settings: SignerSettings) -> Path | None:
    """Return the folder of the API's keys, None for none; raises StartRefused."""
    folder = settings.remote_keys_dir if settings.remote_api_listen else None
    if folder is not None and not folder.is_dir():
        raise StartRefused(f"remote_keys_dir: {folder} is no folder; name the folder of the keystores")
    return folder


async def _listen(runner: web.AppRunner, listening: Listening) -> int:
    site = web.TCPSite(runner, listening.host, listening.port, ssl_context=listening.tls)
    try:
        await site.start()
    except OSError as error:
        where = f"{listening.urls_host}:{listening.port}"
        raise StartRefused(f"remote_api_listen: cannot listen on {where} ({error.strerror})") from None
    address: tuple[str, int] = runner.addresses[0]
    return address[1]
