"""BLS12-381 as Ethereum uses it: 48-byte G1 public keys, 96-byte G2 signatures, 32-byte signing roots.

blspy signs and verifies (proof-of-possession ciphersuite, GIL released); arkworks does the scalar and
multi-scalar multiplications that threshold signatures need. A secret key never shows itself in a repr and is never
pickled or copied.

Invariant: `verify`, `verify_batch` and `verify_many` answer False for malformed points; they never raise for hostile
input.

Source: consensus-specs phase0 "BLS signatures"; ssv-spec types/crypto.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NoReturn

from blspy import G1Element, G2Element, PopSchemeMPL, PrivateKey
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import BlsPublicKey, BlsSignature, OperatorId, Root

CURVE_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_SCALAR_BYTES = 32
_BLINDER_BYTES = 8
_INFINITY_BIT = 0x40

RandomBytes = Callable[[int], bytes]
"""A source of unpredictable bytes, such as `secrets.token_bytes`."""


class SecretKey:
    """A validator's or a share's BLS secret key."""

    __slots__ = ("_key",)

    def __init__(self, scalar: int) -> None:
        if not 0 < scalar < CURVE_ORDER:
            raise ProtocolError(Reason.KEY_INVALID, "BLS secret key out of range")
        self._key = PrivateKey.from_bytes(scalar.to_bytes(_SCALAR_BYTES, "big"))

    @classmethod
    def from_bytes(cls, secret: bytes | bytearray) -> SecretKey:
        """Read a 32-byte big-endian scalar, of which no copy is left behind in Python.

        Raises:
            ProtocolError: KEY_INVALID, without any part of the secret.
        """
        if len(secret) != _SCALAR_BYTES:
            raise ProtocolError(Reason.KEY_INVALID, f"BLS secret key of {len(secret)} bytes")
        made = cls.__new__(cls)
        try:
            made._key = PrivateKey.from_bytes(secret)
        except ValueError:
            made._key = None
        if made._key is None or not any(secret):
            raise ProtocolError(Reason.KEY_INVALID, "BLS secret key out of range")
        return made

    @classmethod
    def generate(cls, random_bytes: RandomBytes) -> SecretKey:
        """Return a uniformly random key."""
        return cls(random_scalar(random_bytes))

    def __repr__(self) -> str:
        return "SecretKey(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key is neither pickled nor copied")

    def to_bytes(self) -> bytes:
        """Return the 32-byte big-endian scalar; the caller keeps it secret."""
        return bytes(self._key)

    def public_key(self) -> BlsPublicKey:
        """Return the 48-byte compressed public key."""
        return BlsPublicKey(bytes(self._key.get_g1()))

    def sign(self, root: Root) -> BlsSignature:
        """Return the 96-byte signature over a 32-byte signing root."""
        return BlsSignature(bytes(PopSchemeMPL.sign(self._key, root)))


def random_scalar(random_bytes: RandomBytes) -> int:
    """Return a uniform scalar in [1, order): 48 random bytes make the bias of the reduction negligible."""
    return int.from_bytes(random_bytes(48), "big") % (CURVE_ORDER - 1) + 1


def is_public_key(pubkey: bytes) -> bool:
    """Tell whether the bytes are a valid point of the right subgroup other than infinity."""
    try:
        return bool(G1Element.from_bytes(pubkey) != G1Element())
    except (ValueError, RuntimeError):
        return False


def verify(pubkey: BlsPublicKey, root: Root, signature: BlsSignature) -> bool:
    """Tell whether `signature` is `pubkey`'s over `root`."""
    try:
        return bool(PopSchemeMPL.verify(_public_point(pubkey), root, G2Element.from_bytes(signature)))
    except (ValueError, RuntimeError):
        return False


def aggregate(signatures: Sequence[BlsSignature]) -> BlsSignature:
    """Return the sum of valid signatures; raises ProtocolError RECONSTRUCT_SIGNATURE for a malformed one."""
    try:
        return BlsSignature(bytes(PopSchemeMPL.aggregate([G2Element.from_bytes(s) for s in signatures])))
    except (ValueError, RuntimeError):
        raise ProtocolError(Reason.RECONSTRUCT_SIGNATURE, "malformed signature") from None


@lru_cache(maxsize=4096)
def lagrange_coefficients(operator_ids: tuple[OperatorId, ...]) -> tuple[int, ...]:
    """Return the coefficients at zero for distinct non-zero operator ids, in the order given.

    They depend only on who signed, so they are computed once per set of signers.
    """
    coefficients = []
    for own in operator_ids:
        numerator, denominator = 1, 1
        for other in operator_ids:
            if other != own:
                numerator = numerator * other % CURVE_ORDER
                denominator = denominator * (other - own) % CURVE_ORDER
        coefficients.append(numerator * pow(denominator, -1, CURVE_ORDER) % CURVE_ORDER)
    return tuple(coefficients)


def reconstruct(partials: Mapping[OperatorId, BlsSignature]) -> BlsSignature:
    """Return the validator's signature from share signatures by interpolation at zero.

    The result is right only if every partial signature is; the caller verifies it.

    Raises:
        ProtocolError: RECONSTRUCT_SIGNATURE when nothing was given or a point is malformed.
    """
    if not partials:
        raise ProtocolError(Reason.RECONSTRUCT_SIGNATURE, "no partial signatures")
    operator_ids = tuple(sorted(partials))
    try:
        points = [_signature_point_for_sums(partials[operator_id]) for operator_id in operator_ids]
    except ValueError:
        raise ProtocolError(Reason.RECONSTRUCT_SIGNATURE, "malformed partial signature") from None
    scalars = [_scalar(value) for value in lagrange_coefficients(operator_ids)]
    return BlsSignature(bytes(G2Point.multiexp_unchecked(points, scalars).to_compressed_bytes()))


def reconstruct_public_key(shares: Mapping[OperatorId, BlsPublicKey]) -> BlsPublicKey:
    """Return the validator's public key from a quorum of share public keys by interpolation at zero.

    Raises:
        ProtocolError: KEY_INVALID when nothing was given, a point is malformed, or they combine to no key.
    """
    operator_ids = tuple(sorted(shares))
    try:
        points = [_public_point_for_sums(shares[operator_id]) for operator_id in operator_ids]
        if not points:
            raise ValueError("no shares")
    except ValueError:
        raise ProtocolError(Reason.KEY_INVALID, "malformed share public key") from None
    scalars = [_scalar(value) for value in lagrange_coefficients(operator_ids)]
    combined = bytes(G1Point.multiexp_unchecked(points, scalars).to_compressed_bytes())
    if not is_public_key(combined):
        raise ProtocolError(Reason.KEY_INVALID, "the share public keys combine to no key")
    return BlsPublicKey(combined)


def verify_batch(signed: Sequence[tuple[BlsPublicKey, BlsSignature]], root: Root, random_bytes: RandomBytes) -> bool:
    """Tell whether every signature is valid over the one root they share.

    Random 64-bit blinders keep errors of two signatures from cancelling each other:
    e(Σ rᵢ·pkᵢ, H(m)) = e(G1, Σ rᵢ·sigᵢ) holds for a bad batch with probability 2⁻⁶⁴.
    """
    if len(signed) <= 1:
        return all(verify(pubkey, root, signature) for pubkey, signature in signed)
    blinders = [_scalar(int.from_bytes(random_bytes(_BLINDER_BYTES), "big") | 1) for _ in signed]
    try:
        pubkeys = [_public_point_for_sums(pubkey) for pubkey, _ in signed]
        signatures = [_signature_point_for_sums(signature) for _, signature in signed]
    except ValueError:
        return False
    pubkey_sum = G1Point.multiexp_unchecked(pubkeys, blinders).to_compressed_bytes()
    signature_sum = G2Point.multiexp_unchecked(signatures, blinders).to_compressed_bytes()
    return verify(BlsPublicKey(bytes(pubkey_sum)), root, BlsSignature(bytes(signature_sum)))


def verify_many(signed: Sequence[tuple[BlsPublicKey, Root, BlsSignature]], random_bytes: RandomBytes) -> list[bool]:
    """Tell of each signature whether it is the key's over its own root, all together in one pairing product.

    With random 64-bit blinders, ∏ e(rᵢ·pkᵢ, H(mᵢ)) = e(G1, Σ rᵢ·sigᵢ) holds for a bad batch with probability 2⁻⁶⁴. A
    batch that does not hold is halved until the bad ones are found, so a few of them cost little.
    """
    outcome = [False] * len(signed)
    blinded = [
        (place, entry)
        for place, parts in enumerate(signed)
        if (entry := _blinded(*parts, random_bytes(_BLINDER_BYTES))) is not None
    ]
    undecided = [blinded] if blinded else []
    while undecided:
        part = undecided.pop()
        if len(part) == 1:
            ((place, _),) = part
            outcome[place] = verify(*signed[place])
        elif _all_hold([entry for _, entry in part]):
            for place, _ in part:
                outcome[place] = True
        else:
            middle = len(part) // 2
            undecided += [part[:middle], part[middle:]]
    return outcome


_Blinded = tuple[G1Element, Root, G2Point, Scalar]


def _blinded(pubkey: BlsPublicKey, root: Root, signature: BlsSignature, blinder: bytes) -> _Blinded | None:
    """Return the key times the blinder, the root, the signature and the blinder; None when a point is malformed."""
    try:
        if not is_public_key(pubkey):
            return None
        scalar = _scalar(int.from_bytes(blinder, "big") | 1)
        scaled = G1Point.from_compressed_bytes_unchecked(pubkey) * scalar
        key = G1Element.from_bytes_unchecked(bytes(scaled.to_compressed_bytes()))
        return key, root, _signature_point_for_sums(signature), scalar
    except (ValueError, RuntimeError):
        return None


def _all_hold(entries: Sequence[_Blinded]) -> bool:
    total = G2Point.multiexp_unchecked([entry[2] for entry in entries], [entry[3] for entry in entries])
    try:
        signature = G2Element.from_bytes_unchecked(bytes(total.to_compressed_bytes()))
        keys, roots = [entry[0] for entry in entries], [entry[1] for entry in entries]
        return bool(PopSchemeMPL.aggregate_verify(keys, roots, signature))
    except (ValueError, RuntimeError):
        return False


def _scalar(value: int) -> Scalar:
    return Scalar.from_be_bytes(value.to_bytes(_SCALAR_BYTES, "big"))


@lru_cache(maxsize=65536)
def _public_point(pubkey: bytes) -> G1Element:
    return G1Element.from_bytes(pubkey)


@lru_cache(maxsize=65536)
def _public_point_for_sums(pubkey: bytes) -> G1Point:
    if not is_public_key(pubkey):
        raise ValueError("no public key")
    return G1Point.from_compressed_bytes(pubkey)


def _signature_point_for_sums(signature: bytes) -> G2Point:
    # arkworks reads whatever has the infinity bit as infinity; nobody's key makes such a signature
    if not signature or signature[0] & _INFINITY_BIT:
        raise ValueError("no signature of a key")
    return G2Point.from_compressed_bytes(signature)
