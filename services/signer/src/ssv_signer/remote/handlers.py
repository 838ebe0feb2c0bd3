"""The HTTP side: paths, statuses, JSON. Every answer but `/upcheck` and signatures as text is a JSON object or array.

No input leads to a 500: what can't be read is a 400 that names the field, and what is not granted says why.

Source: ethereum remote-signing API; Web3Signer's API for upcheck, healthcheck and reload. The batch form is ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware
from structlog.typing import FilteringBoundLogger

from ssv_protocol.nesting import is_shallow
from ssv_protocol.types.ssz_json import Malformed
from ssv_runtime.health import Dependency
from ssv_signer.remote.keys import KeyFolder, ReloadState
from ssv_signer.remote.listening import Listening, caller_in, host_of, is_loopback
from ssv_signer.remote.openapi import MAX_BATCH_ITEMS, MAX_BODY_BYTES, encoded
from ssv_signer.remote.signing import Answer, RemoteSigning

SIGN, PUBLIC_KEYS = "/api/v1/eth2/sign", "/api/v1/eth2/publicKeys"
_JSON, _TEXT = "application/json", "text/plain"
_CALLER = web.RequestKey("caller", str)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_REASONS: dict[int, tuple[str, str]] = {
    HTTPStatus.NOT_FOUND: ("unknown_path", "There is nothing here; see /openapi.json."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("unknown_method", "The path has no such method; see /openapi.json."),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("content_type", f"The body must be {_JSON}."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", f"The body has more than {MAX_BODY_BYTES} bytes."),
}


class Handlers:
    """Answers the calls of the API."""

    def __init__(
        self,
        signing: RemoteSigning,
        keys: KeyFolder,
        reload: Callable[[], None],
        database: Dependency,
        listening: Listening,
        log: FilteringBoundLogger,
    ) -> None:
        self._signing = signing
        self._keys = keys
        self._reload = reload
        self._database = database
        self._listening = listening
        self._log = log

    def application(self) -> web.Application:
        """Return the application with all paths."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._middleware])
        app.router.add_post(SIGN, self.sign_many)
        app.router.add_post(SIGN + "/{identifier}", self.sign)
        app.router.add_get(PUBLIC_KEYS, self.public_keys, allow_head=False)
        app.router.add_get("/upcheck", self.upcheck, allow_head=False)
        app.router.add_get("/healthcheck", self.healthcheck, allow_head=False)
        app.router.add_post("/reload", self.reload)
        app.router.add_get("/reload", self.reload_status, allow_head=False)
        app.router.add_get("/openapi.json", self.openapi, allow_head=False)
        return app

    async def sign(self, request: web.Request) -> web.Response:
        """Sign one object."""
        plain = await _body(request)
        answer = await self._signing.sign(request.match_info["identifier"], plain, request[_CALLER])
        if answer.signature is not None and _wants_text(request):
            return web.Response(text=f"0x{answer.signature.hex()}")
        return _json(answer.body(), answer.status)

    async def sign_many(self, request: web.Request) -> web.Response:
        """Sign many objects, each with its own verdict."""
        items = await _body(request)
        if not isinstance(items, list):
            raise Malformed("body", "an array expected")
        if not 1 <= len(items) <= MAX_BATCH_ITEMS:
            raise Malformed("body", f"1 to {MAX_BATCH_ITEMS} items expected, not {len(items)}")
        for number, item in enumerate(items):
            if not isinstance(item, dict):
                raise Malformed(f"[{number}]", "an object expected")
        answers = await self._signing.sign_many(items, request[_CALLER])
        return _json([{"status": int(answer.status), **answer.body()} for answer in answers])

    async def public_keys(self, request: web.Request) -> web.Response:
        """List the plain keys."""
        return _json([f"0x{key.hex()}" for key in self._keys.public_keys()])

    async def upcheck(self, request: web.Request) -> web.Response:
        """Say that the server answers."""
        return web.Response(text="OK")

    async def healthcheck(self, request: web.Request) -> web.Response:
        """Say whether requests can be signed now."""
        loading = "the keystores are being read" if self._keys.running else None
        checks = {"database": self._database.reason, "keys-check": loading or _last_failure(self._keys)}
        outcome = "DOWN" if any(checks.values()) else "UP"
        listed: list[dict[str, object]] = [
            {"id": name, "status": "DOWN" if problem else "UP"} | ({"data": {"problem": problem}} if problem else {})
            for name, problem in checks.items()
        ]
        status = HTTPStatus.OK if outcome == "UP" else HTTPStatus.SERVICE_UNAVAILABLE
        return _json({"status": outcome, "checks": listed, "outcome": outcome}, status)

    async def reload(self, request: web.Request) -> web.Response:
        """Begin to read the folder of keystores again."""
        if self._keys.running:
            told = {"status": "error", "message": "The keystores are being read already; see GET /reload."}
            return _json(told, HTTPStatus.CONFLICT)
        self._reload()
        told = {"status": "accepted", "message": "The keystores are being read; see GET /reload."}
        return _json(told, HTTPStatus.ACCEPTED)

    async def reload_status(self, request: web.Request) -> web.Response:
        """Say how reading the folder went."""
        status = self._keys.status
        told: dict[str, object] = {"status": status.state.value}
        if status.at is not None:
            told["lastOperationTime"] = status.at.isoformat(timespec="seconds").replace("+00:00", "Z")
        if status.problems:
            told["lastError"] = "; ".join(status.problems)
        return _json(told)

    async def openapi(self, request: web.Request) -> web.Response:
        """Return the description of this API."""
        return web.Response(body=encoded(), content_type=_JSON)

    @property
    def _middleware(self) -> Middleware:
        @web.middleware
        async def guarded(request: web.Request, handler: _Handler) -> web.StreamResponse:
            try:
                refused = self._admit(request)
                return refused or await handler(request)
            except Malformed as error:
                answer = self._signing.unreadable(error, request[_CALLER])
                return _json(answer.body(), answer.status)
            except web.HTTPException as error:
                reason, message = _REASONS.get(error.status, ("http", error.reason))
                response = _error(HTTPStatus(error.status), reason, message)
                if "Allow" in error.headers:
                    response.headers["Allow"] = error.headers["Allow"]
                return response
            except Exception:
                self._log.exception("a call of the remote-signing API failed", path=request.path)
                return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", "The signer failed; its log says why.")

        return guarded

    def _admit(self, request: web.Request) -> web.Response | None:
        """Refuse those who may not call, before anything of the body is read."""
        caller: str | None = "loopback"
        if self._listening.tls is not None:
            certificate = None if request.transport is None else request.transport.get_extra_info("peercert")
            caller = caller_in(certificate, self._listening.callers)
        elif not is_loopback(host_of(request.host)):
            caller = None
        if caller is None:
            self._log.warning("refused a call", path=request.path)
            return _error(HTTPStatus.FORBIDDEN, "forbidden", "The caller is not named in remote_api_callers.")
        request[_CALLER] = caller
        return None


async def _body(request: web.Request) -> object:
    if request.content_type != _JSON:
        raise web.HTTPUnsupportedMediaType
    data = await request.read()
    if not is_shallow(data):
        raise Malformed("body", "is no JSON, or nested too deeply")
    try:
        decoded: object = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Malformed("body", f"is no JSON: {error}") from None
    return decoded


def _last_failure(keys: KeyFolder) -> str | None:
    if keys.status.state in (ReloadState.FAILED, ReloadState.COMPLETED_WITH_ERRORS):
        return "; ".join(keys.status.problems)
    return None


def _wants_text(request: web.Request) -> bool:
    accepted = request.headers.get("Accept", "").lower()
    return _TEXT in accepted and _JSON not in accepted


def _json(plain: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(body=msgspec.json.encode(plain), status=status, content_type=_JSON)


def _error(status: HTTPStatus, reason: str, message: str) -> web.Response:
    return _json(Answer(status, reason=reason, message=message).body(), status)
