"""The memory behind the API: judges batches of requests and makes what it approved durable, in the signer's thread.

Invariant: `record` returns after the commit. When that fails, nothing of the batch may be signed. A batch that breaks
is judged once more one request after another, so that one harms nobody else.

Source: architecture §5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from structlog.typing import FilteringBoundLogger

from ssv_protocol.types.ids import BlsPublicKey, Slot
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.judge import Approved, Policy, Sitting
from ssv_signer.remote.request import SigningRequest
from ssv_signer.store.database import Connection, Contradiction, StoreError
from ssv_signer.vault import Vault
from ssv_signer.work import Failure

RemoteJudgement = Approved | Refused | Failure


class RemoteRecorder:
    """Judges requests in the transactions of the signer's database; `loaded` tells which keys can sign."""

    def __init__(
        self, vault: Vault, policy: Policy, loaded: Callable[[], Collection[BlsPublicKey]], log: FilteringBoundLogger
    ) -> None:
        self._vault = vault
        self._policy = policy
        self._loaded = loaded
        self._log = log
        self._trusted: frozenset[BlsPublicKey] = frozenset()

    async def record(self, requests: Sequence[SigningRequest]) -> list[RemoteJudgement]:
        """Judge requests in their order and make their records durable; raises StoreError when they may not be."""
        try:
            return await self._judge(requests)
        except Contradiction:
            pass
        except StoreError:
            raise
        except Exception:
            self._log.debug("a batch broke; judging its requests one by one", exc_info=True)
        return [await self._judge_alone(request) for request in requests]

    async def _judge(self, requests: Sequence[SigningRequest]) -> list[RemoteJudgement]:
        keys = list(dict.fromkeys(request.pubkey for request in requests))
        loaded = self._loaded()

        def judge(connection: Connection, clock: Slot) -> tuple[list[RemoteJudgement], frozenset[BlsPublicKey]]:
            sitting = Sitting(self._policy, connection, clock, keys, loaded=loaded, trusted=self._trusted)
            judged: list[RemoteJudgement] = [sitting.judge(request) for request in requests]
            sitting.write()
            return judged, sitting.known

        try:
            judged, known = await self._vault.judging(keys, judge)
        except StoreError:
            # what comes back may be another database, such as a replica that was promoted
            self._trusted = frozenset()
            raise
        self._trusted |= known
        return judged

    async def _judge_alone(self, request: SigningRequest) -> RemoteJudgement:
        try:
            (judgement,) = await self._judge([request])
        except Contradiction as error:
            # the tables' own guard: a rule above has a gap
            self._log.error("a record was about to contradict an earlier one; report this", problem=str(error))
            return Failure("the record refuses the request")
        except StoreError:
            raise
        except Exception:
            self._log.exception("a request could not be judged")
            return Failure("the request could not be judged")
        return judgement
