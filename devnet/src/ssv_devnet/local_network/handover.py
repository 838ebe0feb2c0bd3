"""Who votes for the SSV validators: the background client until the operators' signers hold the shares, then they.

A signer holds a share back until the epoch after it got it, so the handover is at the latest of these epochs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence

import grpc
import grpc.aio

from ssv_api.v1.signer_pb2 import HeldShare, ListSharesRequest, ListSharesResponse
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_devnet.local_network.operators import LocalOperator
from ssv_protocol.types.ids import BlsPublicKey, Epoch
from ssv_runtime.names import CLI, SIGNER
from ssv_runtime.rpc.limits import client_options
from ssvctl.operator_certificates import CertificateFolder

_POLL_S = 0.2
_DEADLINE_S = 5.0


async def signing_epoch(operators: Iterable[LocalOperator], validators: Sequence[BlsPublicKey]) -> Epoch:
    """Wait until every operator's signer holds a share of every validator; return the epoch from which all may sign."""
    epochs = await asyncio.gather(*(_epoch_of(operator, set(validators)) for operator in operators))
    return max(epochs)


async def _epoch_of(operator: LocalOperator, validators: Collection[bytes]) -> Epoch:
    while True:
        held = {share.validator_pubkey: share.may_sign_from_epoch for share in await held_shares(operator)}
        if held.keys() >= set(validators):
            return Epoch(max(held[validator] for validator in validators))
        await asyncio.sleep(_POLL_S)


async def held_shares(operator: LocalOperator) -> Sequence[HeldShare]:
    """Ask an operator's signer; nothing while it does not answer."""
    files = CertificateFolder(operator.folder.certificates)
    credentials = grpc.ssl_channel_credentials(
        files.ca.read_bytes(), files.key(CLI).read_bytes(), files.certificate(CLI).read_bytes()
    )
    target = f"127.0.0.1:{operator.ports.signer}"
    async with grpc.aio.secure_channel(target, credentials, options=client_options(SIGNER)) as channel:
        try:
            answer: ListSharesResponse = await SignerStub(channel).ListShares(ListSharesRequest(), timeout=_DEADLINE_S)
        except grpc.aio.AioRpcError:
            return ()
    return answer.shares
