"""Share secrets on disk: AES-256-GCM under a key that only the operator key yields.

    key = HKDF-SHA256(operator key as PKCS#1 PEM, the database's salt)      sealed = nonce (12) | ciphertext and tag

Bound to the validator and the share public key as associated data, so a sealed secret that was moved to another row
does not open. Whoever has the file without the operator key has no share.

Source: RFC 5869; NIST SP 800-38D.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ssv_protocol.crypto.bls import RandomBytes, SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.wiping import wiped
from ssv_protocol.errors import ProtocolError
from ssv_protocol.signing.objects import Signable
from ssv_protocol.types.ids import BlsPublicKey, Root, Slot
from ssv_signer.errors import StartRefused
from ssv_signer.store.database import Connection
from ssv_signer.store.shares import KEY_ELSEWHERE, ShareRow
from ssv_signer.work import BatchWork

SALT_BYTES = 32
_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 12, 16
_PURPOSE = b"ssv-signer: shares at rest, version 1"


class Keyring:
    """Seals and opens share secrets; keeps those that were opened (`share_keys.ShareKeys`).

    It decides nothing: see the share's row for that.
    """

    def __init__(self, operator_key: OperatorPrivateKey, salt: bytes, random_bytes: RandomBytes) -> None:
        with wiped(bytearray(_KEY_BYTES)) as key:
            HKDF(SHA256(), _KEY_BYTES, salt, _PURPOSE).derive_into(operator_key.to_pem(), key)
            self._cipher = AESGCM(bytes(key))
        self._random_bytes = random_bytes
        self._opened: dict[BlsPublicKey, SecretKey] = {}

    def __repr__(self) -> str:
        return "Keyring(***)"

    def seal(self, validator_pubkey: BlsPublicKey, share_pubkey: BlsPublicKey, secret: SecretKey) -> bytes:
        """Return the encrypted secret for the share's row."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.to_bytes(), validator_pubkey + share_pubkey)

    def secret(self, row: ShareRow) -> SecretKey:
        """Return the secret of an active share; raises StartRefused when the row does not open."""
        if row.share_pubkey not in self._opened:
            self._opened[row.share_pubkey] = self._open(row)
        return self._opened[row.share_pubkey]

    def check(self, row: ShareRow) -> None:
        """Open a share's secret; raises StartRefused when it can't be."""
        self.secret(row)

    def can_sign(self, row: ShareRow) -> bool:
        """Return True: what the row holds is all that it takes."""
        return True

    def remember(self, connection: Connection, slot: Slot, objects: Mapping[Root, Signable]) -> None:
        """Do nothing: signatures need their roots alone."""

    def equip(self, connection: Connection, work: BatchWork, rows: Mapping[BlsPublicKey, ShareRow]) -> BatchWork:
        """Add the secrets; raises StartRefused for a row that does not open."""
        return replace(work, secrets=tuple(self.secret(rows[item.share_pubkey]) for item in work.record.items))

    def keep_only(self, share_pubkeys: Collection[BlsPublicKey]) -> None:
        """Drop the opened secrets of all other shares, which another signer may have let go."""
        for key in self._opened.keys() - set(share_pubkeys):
            self.forget(key)

    def forget(self, share_pubkey: BlsPublicKey) -> None:
        """Drop an opened secret."""
        self._opened.pop(share_pubkey, None)

    def _open(self, row: ShareRow) -> SecretKey:
        if row.sealed_secret == KEY_ELSEWHERE:
            raise StartRefused(
                f"share_store: the key of share 0x{row.share_pubkey.hex()} is in an external store; set share_store = "
                "remote, or begin with a new database and the slashing records of this one"
            )
        nonce, ciphertext = row.sealed_secret[:_NONCE_BYTES], row.sealed_secret[_NONCE_BYTES:]
        bound_to = row.validator_pubkey + row.share_pubkey
        try:
            with wiped(bytearray(max(len(ciphertext) - _TAG_BYTES, 0))) as secret:
                self._cipher.decrypt_into(nonce, ciphertext, bound_to, secret)
                return SecretKey.from_bytes(secret)
        except (InvalidTag, ValueError, ProtocolError):
            raise StartRefused(
                f"the share 0x{row.share_pubkey.hex()} in the database is damaged; restore the file from a backup"
            ) from None
