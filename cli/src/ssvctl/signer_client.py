"""Calls to running services, with the certificate of the command line (`cli.pem`) from a folder of certificates."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_runtime.names import CLI, SIGNER
from ssv_runtime.rpc import RpcFailure
from ssv_runtime.rpc.limits import client_options
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.errors import SsvctlError
from ssvctl.files import read_bytes, read_text
from ssvctl.operator_certificates import CertificateFolder
from ssvctl.supervisor.ports import LOOPBACK

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub


@dataclass(frozen=True, slots=True)
class ServicePlace:
    """Where a service listens, and the certificates that it knows."""

    service: str
    target: str
    certificates: CertificateFolder


def find_signer(folder: Path, target: str | None, certificates: Path | None) -> ServicePlace:
    """Return the signer of the operator that runs in `folder`, or the one at `target`. Raises SsvctlError."""
    return find_service(SIGNER, folder, target, certificates)


def find_service(service: str, folder: Path, target: str | None, certificates: Path | None) -> ServicePlace:
    """Return a service of the operator that runs in `folder`, or the one at `target`. Raises SsvctlError."""
    place = OperatorFolder.at(folder)
    certs = CertificateFolder(certificates or place.certificates)
    if target is not None:
        return ServicePlace(service, target, certs)
    if not place.service_settings.exists():
        raise SsvctlError(f"nobody runs {folder}; start it with `ssvctl up --dir {folder}`, or name its address")
    try:
        settings: dict[str, Any] = tomllib.loads(read_text(place.service_settings, "settings"))
        return ServicePlace(service, f"{LOOPBACK}:{settings[service]['grpc_port']}", certs)
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        raise SsvctlError(f"{place.service_settings} is damaged; stop the operator and start it again") from None


@asynccontextmanager
async def connected(place: ServicePlace) -> AsyncIterator[SignerAsyncStub]:
    """Give the calls of a signer inside the block; a call that fails becomes an SsvctlError."""
    async with dialled(place) as channel:
        yield SignerStub(channel)


@asynccontextmanager
async def dialled(place: ServicePlace) -> AsyncIterator[grpc.aio.Channel]:
    """Give a channel inside the block; a call that fails becomes an SsvctlError."""
    files = (place.certificates.ca, place.certificates.certificate(CLI), place.certificates.key(CLI))
    ca, certificate, key = (read_bytes(path, "certificate") for path in files)
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    try:
        async with grpc.aio.secure_channel(place.target, credentials, client_options(place.service)) as channel:
            yield channel
    except grpc.aio.AioRpcError as error:
        failure = RpcFailure.of(error)
        if failure.code == grpc.StatusCode.UNAVAILABLE and not failure.reason:
            raise SsvctlError(
                f"the {place.service} at {place.target} can't be reached; is it running, and are "
                f"{place.certificates.root} its certificates?"
            ) from None
        raise SsvctlError(
            f"the {place.service} at {place.target}: {failure.detail.removeprefix(f'{failure.reason}: ')}"
        ) from None
