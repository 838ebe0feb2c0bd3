"""The calls that carry slashing records out of and into the signer, for `ssvctl slashing`.

Invariants: an export is one moment of the database, whatever is being signed; an import is merged in whole or not at
all, and durable when it is answered.

Source: EIP-3076; architecture §3, §5.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import grpc

from ssv_api.v1 import signer_pb2 as pb
from ssv_api.v1.signer_pb2_grpc import SignerServicer
from ssv_protocol.signing import watermarks
from ssv_protocol.signing.watermarks import NOTHING, KeyRecord
from ssv_protocol.types.ids import BlsPublicKey
from ssv_runtime import slashing_wire
from ssv_runtime.rpc import RpcRefusal, caller_of
from ssv_runtime.slashing_wire import SlashingRecordMalformed
from ssv_signer.audit import Audit
from ssv_signer.batch import NOT_DURABLE
from ssv_signer.interchange import SlashingImportRefused
from ssv_signer.store.database import StoreError
from ssv_signer.vault import Vault

_Context = grpc.aio.ServicerContext[Any, Any]
_KEYS_AT_ONCE, _ENTRIES_AT_ONCE = 32, 10_000


class SlashingCalls(SignerServicer):
    """A part of `SignerServer`, which sets what is declared here."""

    _vault: Vault
    _audit: Audit
    _plain_keys: Callable[[], Collection[BlsPublicKey]]

    async def ExportSlashing(  # noqa: N802 (gRPC's name)
        self, request: pb.ExportSlashingRequest, context: _Context
    ) -> pb.ExportSlashingResponse:
        """Return the records of all keys."""
        try:
            records = await self._vault.export_slashing()
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_readable", "the record could not be read") from None
        self._audit.slashing_exported(len(records), caller_of(context))
        root = self._vault.network.chain.genesis_validators_root
        listed = [slashing_wire.encode(key, record) for key, record in records.items()]
        return pb.ExportSlashingResponse(genesis_validators_root=root, records=listed)

    async def ImportSlashing(  # noqa: N802
        self, request: pb.ImportSlashingRequest, context: _Context
    ) -> pb.ImportSlashingResponse:
        """Merge records."""
        self._check_network(request.genesis_validators_root)
        records: dict[BlsPublicKey, KeyRecord] = {}
        try:
            for item in request.records:
                key, record = slashing_wire.decode(item)
                records[key] = watermarks.merged(records.get(key, NOTHING), record)
            plain, future = self._plain_keys(), request.accept_future
            imported = await self._vault.import_slashing(records, plain, accept_future=future)
        except (SlashingImportRefused, SlashingRecordMalformed) as error:
            raise RpcRefusal(grpc.StatusCode.INVALID_ARGUMENT, "import_refused", str(error)) from None
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_durable", NOT_DURABLE) from None
        self._audit.slashing_imported(imported, caller_of(context))
        return pb.ImportSlashingResponse(
            raised=imported.raised, unchanged=imported.unchanged, not_held=imported.not_held
        )

    async def ExportSlashingHistory(  # noqa: N802
        self, request: pb.ExportSlashingHistoryRequest, context: _Context
    ) -> AsyncIterator[pb.SignedHistory]:
        """Return what all keys are known to have signed."""
        try:
            if await self._vault.export_history(()) is None:
                raise _not_kept()
            keys = list(await self._vault.export_slashing())
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                histories = await self._vault.export_history(keys[start : start + _KEYS_AT_ONCE])
                for history in histories or ():
                    for part in slashing_wire.parts(history, _ENTRIES_AT_ONCE):
                        yield part
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_readable", "the record could not be read") from None
        self._audit.slashing_exported(len(keys), caller_of(context))

    async def ImportSlashingHistory(  # noqa: N802
        self, request: pb.ImportSlashingHistoryRequest, context: _Context
    ) -> pb.ImportSlashingHistoryResponse:
        """Add to the history, if it is kept."""
        self._check_network(request.genesis_validators_root)
        goes_on = {BlsPublicKey(each.public_key) for each in request.histories if each.goes_on}
        try:
            histories = [slashing_wire.decode_history(each) for each in request.histories]
            kept = await self._vault.import_history(histories, goes_on, accept_future=request.accept_future)
        except (SlashingImportRefused, SlashingRecordMalformed) as error:
            raise RpcRefusal(grpc.StatusCode.INVALID_ARGUMENT, "import_refused", str(error)) from None
        except StoreError:
            raise RpcRefusal(grpc.StatusCode.UNAVAILABLE, "not_durable", NOT_DURABLE) from None
        return pb.ImportSlashingHistoryResponse(kept=kept)

    def _check_network(self, given: bytes) -> None:
        own = self._vault.network.chain.genesis_validators_root
        if given != own:
            raise RpcRefusal(
                grpc.StatusCode.FAILED_PRECONDITION,
                "other_network",
                f"the records are of the network with genesis validators root 0x{given.hex()}, this signer is of "
                f"0x{own.hex()}; nothing was imported, give the file that was exported for this network",
            )


def _not_kept() -> RpcRefusal:
    return RpcRefusal(
        grpc.StatusCode.FAILED_PRECONDITION,
        "history_not_kept",
        "this signer keeps the highest marks only; export the minimal form, which protects as much, or set "
        "keep_history = true, and what is signed from then on is kept",
    )
