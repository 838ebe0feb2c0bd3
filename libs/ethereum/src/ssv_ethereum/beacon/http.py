"""HTTP to one beacon node: a deadline on every request, and every failure as a `BeaconError`.

No retries here: whether and where to try again is the caller's decision (another node, a later slot).

Not guaranteed: that a request which timed out had no effect on the node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import msgspec

from ssv_ethereum.beacon.answers import decode
from ssv_ethereum.beacon.errors import (
    BatchRefused,
    BeaconAnswerInvalid,
    BeaconRefused,
    BeaconTimeout,
    BeaconUnreachable,
    ItemFailure,
    shown_endpoint,
)

JSON = "application/json"
SSZ = "application/octet-stream"
DEFAULT_DEADLINE_S = 5.0
_HTTP_ERROR = 400
_SHOWN_CHARACTERS = 300

T = TypeVar("T")
Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer with a status below 400."""

    headers: Mapping[str, str]
    body: bytes


class _Failure(msgspec.Struct, frozen=True):
    index: int
    message: str


class _ErrorBody(msgspec.Struct, frozen=True):
    message: str = ""
    failures: list[_Failure] = []


class BeaconHttp:
    """Requests to the beacon node at `url`, each within `deadline_s` unless it names its own."""

    def __init__(self, url: str, deadline_s: float = DEFAULT_DEADLINE_S) -> None:
        self.url = url.rstrip("/")
        self.endpoint = shown_endpoint(url)
        self.deadline_s = deadline_s
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections; opened with the first request, inside the running event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.deadline_s))
        return self._session

    async def close(self) -> None:
        """Close all connections. May be called again."""
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, wanted: type[T], query: Query | None = None) -> T:
        """GET JSON and decode it as `wanted`. Raises BeaconError."""
        answer = await self.request("GET", path, query=query, headers={"Accept": JSON})
        return self.decoded(answer, wanted, f"GET {path}")

    async def post(self, path: str, body: Any, wanted: type[T]) -> T:
        """POST `body` as JSON and decode the answer as `wanted`. Raises BeaconError."""
        answer = await self.submit(path, body)
        return self.decoded(answer, wanted, f"POST {path}")

    async def submit(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """POST `body` as JSON. Raises BeaconError; BatchRefused where single items were refused."""
        merged = {"Content-Type": JSON, "Accept": JSON, **(headers or {})}
        return await self.request("POST", path, headers=merged, body=msgspec.json.encode(body))

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_s: float | None = None,
    ) -> Answer:
        """Send one request and read the whole answer. Raises BeaconError."""
        shown = f"{method} {path}"
        total_s = self.deadline_s if deadline_s is None else deadline_s
        try:
            async with self.session.request(
                method,
                self.url + path,
                params=query,
                headers=headers,
                data=body,
                timeout=aiohttp.ClientTimeout(total=total_s),
            ) as response:
                content = await response.read()
                status, answer_headers = response.status, dict(response.headers)
        except TimeoutError:
            raise BeaconTimeout(self.endpoint, shown, f"no answer within {total_s} s") from None
        except (aiohttp.ClientError, OSError) as error:
            problem = f"{type(error).__name__} {getattr(error, 'strerror', None) or ''}".strip()
            raise BeaconUnreachable(self.endpoint, shown, problem) from None
        if status >= _HTTP_ERROR:
            raise self._refusal(shown, status, content)
        return Answer(answer_headers, content)

    def decoded(self, answer: Answer, wanted: type[T], request: str) -> T:
        """Return the body as `wanted`. Raises BeaconAnswerInvalid."""
        try:
            return decode(answer.body, wanted)
        except msgspec.DecodeError as error:
            raise BeaconAnswerInvalid(self.endpoint, request, str(error)) from None

    def _refusal(self, request: str, status: int, content: bytes) -> BeaconRefused:
        try:
            error = decode(content, _ErrorBody)
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = _ErrorBody(content[:_SHOWN_CHARACTERS].decode(errors="replace"))
        message = " ".join(error.message.split())[:_SHOWN_CHARACTERS] or "no reason given"
        if error.failures:
            failures = tuple(ItemFailure(failure.index, failure.message) for failure in error.failures)
            return BatchRefused(self.endpoint, request, status, message, failures)
        return BeaconRefused(self.endpoint, request, status, message)
