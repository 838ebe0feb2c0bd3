"""HTTP to the external store, over connections that stay open. The only module of the signer that dials.

No answer is believed: a signature is only bytes here, which the caller verifies. No redirect is followed, no proxy of
the environment is used. What the store says in words is shortened and shown in a reason, the token never.

Source: remote-signing API; Web3Signer's API for what may stand in an answer.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import aiohttp
import msgspec

from ssv_protocol.types.ids import BlsPublicKey, BlsSignature
from ssv_protocol.types.ssz_json import Malformed, read_bytes
from ssv_signer.errors import StartRefused
from ssv_signer.share_keys import SigningFailed
from ssv_signer.share_store.place import StorePlace, bearer

_KEYS, _SIGN = "/api/v1/eth2/publicKeys", "/api/v1/eth2/sign/0x"
_JSON = "application/json"
_KEY_BYTES, _SIGNATURE_BYTES = 48, 96
_MAX_SIGNATURE_TEXT, _MAX_KEYS_TEXT = 4_096, 64 * 1024 * 1024
_SHOWN_CHARACTERS = 120
_KEEPALIVE_S = 60.0
_REFUSALS = {
    400: "it can't read the request",
    401: "it wants to know the caller; see remote_share_store_bearer_file and _cert",
    403: "the caller may not sign; see remote_share_store_bearer_file and _cert",
    404: "it does not hold the key; import it there",
    412: "its own slashing record or policy refuses",
}


class StoreClient:
    """The store's API; use it inside `async with`."""

    def __init__(self, place: StorePlace) -> None:
        self._place = place
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=self._place.connections,
            keepalive_timeout=_KEEPALIVE_S,
            ssl=True if self._place.tls is None else self._place.tls,
        )
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def public_keys(self) -> frozenset[BlsPublicKey]:
        """Return the keys that the store holds; raises SigningFailed."""
        text = await self._call("GET", _KEYS, None, _MAX_KEYS_TEXT)
        try:
            listed = msgspec.json.decode(text, type=list[str])
            return frozenset(BlsPublicKey(read_bytes(_prefixed(key), "key", _KEY_BYTES)) for key in listed)
        except (msgspec.MsgspecError, ValueError, Malformed):
            raise SigningFailed("the share store's list of keys can't be read") from None

    async def sign(self, share_pubkey: BlsPublicKey, body: bytes) -> BlsSignature:
        """Return what the store says is the signature; raises SigningFailed."""
        text = await self._call("POST", _SIGN + share_pubkey.hex(), body, _MAX_SIGNATURE_TEXT)
        try:
            plain: object = text.decode("ascii").strip()
            if text.lstrip().startswith(b"{"):
                plain = msgspec.json.decode(text, type=dict[str, object]).get("signature")
            return BlsSignature(read_bytes(plain, "signature", _SIGNATURE_BYTES))
        except (msgspec.MsgspecError, ValueError, Malformed):
            raise SigningFailed("the share store's answer is no signature") from None

    async def _call(self, method: str, path: str, body: bytes | None, most: int) -> bytes:
        assert self._session is not None
        headers = {"Accept": _JSON} | ({"Content-Type": _JSON} if body is not None else {})
        try:
            token = bearer(self._place)
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            async with (
                asyncio.timeout(self._place.timeout_s),
                self._session.request(
                    method, self._place.url + path, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                text = await _read(response, most if response.status == 200 else _SHOWN_CHARACTERS)
        except TimeoutError:
            raise SigningFailed(f"the share store did not answer within {self._place.timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise SigningFailed(f"the share store can't be reached ({error.os_error.strerror or 'TLS'})") from None
        except (aiohttp.ClientError, OSError) as error:
            raise SigningFailed(f"the share store broke off ({type(error).__name__})") from None
        except StartRefused as error:
            raise SigningFailed(str(error)) from None
        if response.status != 200:
            meaning = _REFUSALS.get(response.status, "")
            said = "".join(each for each in text.decode("ascii", "replace") if each.isprintable())
            raise SigningFailed("; ".join(filter(None, [f"the share store said {response.status}", meaning, said])))
        return text


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            break
    return b"".join(parts)[:most]


def _prefixed(key: str) -> str:
    return key if key.startswith("0x") else f"0x{key}"
