"""From a decoded JSON value to an answer: read it, judge and record it, sign it; one request or many.

Invariant: nothing is signed before its record is durable. Requests of a batch are answered each for itself, and in
their order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from structlog.typing import FilteringBoundLogger

from ssv_protocol.types.ids import BlsSignature
from ssv_protocol.types.ssz_json import Malformed, mapping, required
from ssv_signer.batch import Commits
from ssv_signer.remote.errors import Refused, RemoteReason
from ssv_signer.remote.keys import KeyFolder
from ssv_signer.remote.meters import RemoteMeters
from ssv_signer.remote.recorder import RemoteJudgement
from ssv_signer.remote.request import SigningRequest, read_identifier, read_request
from ssv_signer.signatures import SigningPool
from ssv_signer.work import Failure

MALFORMED, NOT_DURABLE = "malformed", "not_durable"
_UNKNOWN_TYPE = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """A signature, or why there is none. `field` is the path to what is malformed."""

    status: HTTPStatus
    signature: BlsSignature | None = None
    reason: str = ""
    message: str = ""
    field: str = ""

    def body(self) -> dict[str, object]:
        """Return the JSON object of the answer."""
        if self.signature is not None:
            return {"signature": f"0x{self.signature.hex()}"}
        told: dict[str, object] = {"code": int(self.status), "reason": self.reason, "message": self.message}
        return told | ({"field": self.field} if self.field else {})


class RemoteSigning:
    """Answers requests with plain keys."""

    def __init__(
        self,
        keys: KeyFolder,
        commits: Commits[SigningRequest, RemoteJudgement],
        pool: SigningPool,
        meters: RemoteMeters,
        log: FilteringBoundLogger,
    ) -> None:
        self._keys = keys
        self._commits = commits
        self._pool = pool
        self._meters = meters
        self._log = log

    async def sign(self, identifier: object, plain: object, caller: str) -> Answer:
        """Answer one request."""
        try:
            request = read_request(read_identifier(identifier), plain)
        except Malformed as error:
            return self._told(_UNKNOWN_TYPE, self.unreadable(error, caller))
        return self._told(request.kind.type, await self._sign(request, caller))

    async def sign_many(self, items: Sequence[object], caller: str) -> list[Answer]:
        """Answer each of many requests, whose object names its key."""
        return list(await asyncio.gather(*(self._sign_item(number, item, caller) for number, item in enumerate(items))))

    async def _sign_item(self, number: int, plain: object, caller: str) -> Answer:
        try:
            identifier = required(mapping(plain, f"[{number}]"), "identifier", f"[{number}]")
        except Malformed as error:
            return self._told(_UNKNOWN_TYPE, self.unreadable(error, caller))
        return await self.sign(identifier, plain, caller)

    async def _sign(self, request: SigningRequest, caller: str) -> Answer:
        judgement = await self._commits.submit(request)
        place = {"type": request.kind.type, "key": request.pubkey.hex(), "caller": caller}
        if isinstance(judgement, Failure):
            self._log.warning("could not sign", reason=judgement.reason, **place)
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, reason=NOT_DURABLE, message=judgement.reason)
        if isinstance(judgement, Refused):
            return self._refused(judgement, place)
        secret = self._keys.secret(request.pubkey)
        if secret is None:
            return self._refused(Refused(RemoteReason.UNKNOWN_KEY, "its file went meanwhile"), place)
        self._log.debug("signed", **place)
        return Answer(HTTPStatus.OK, await self._pool.sign_root(secret, judgement.signing_root))

    def unreadable(self, error: Malformed, caller: str) -> Answer:
        """Tell that a request can't be read, and return the answer."""
        self._log.warning("refused to sign", reason=MALFORMED, field=error.field, problem=str(error), caller=caller)
        return Answer(HTTPStatus.BAD_REQUEST, reason=MALFORMED, message=str(error), field=error.field)

    def _refused(self, refused: Refused, place: dict[str, str]) -> Answer:
        self._meters.denials.labels(refused.reason.value).inc()
        words = {"reason": refused.reason.value, "detail": refused.detail, "meaning": refused.explanation}
        self._log.warning("refused to sign", **words, **place)
        message = f"{refused.explanation} ({refused.detail})" if refused.detail else refused.explanation
        return Answer(refused.status, reason=refused.reason.value, message=message)

    def _told(self, kind: str, answer: Answer) -> Answer:
        self._meters.requests.labels(kind, str(int(answer.status))).inc()
        return answer
