"""How many datagrams we look at: a token bucket for each address and one for all together.

An address is asked first, so that one loud address spends its own tokens and not everybody's. IPv6 counts by /64,
since one host has that many addresses. The caller exempts endpoints that owe us an answer: else whoever forges the
sender could silence them.

Not guaranteed: fairness among more than `MAX_ADDRESSES` forged addresses at once; the common bucket bounds the work.
"""

from dataclasses import dataclass

from ssv_discv5.endpoint import IPAddress
from ssv_discv5.lru import Lru

MAX_ADDRESSES = 4096


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_s` datagrams a second in the long run, `burst` at once."""

    per_s: float
    burst: float


class TokenBucket:
    """Full at first; refills by the caller's clock."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token; return False when there is none."""
        self._tokens = min(self._rate.burst, self._tokens + max(0.0, now - self._at) * self._rate.per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RateLimit:
    """Admits datagrams by where they came from."""

    def __init__(self, per_address: Rate, total: Rate) -> None:
        self._per_address = per_address
        self._total_rate = total
        self._total: TokenBucket | None = None
        self._addresses: Lru[tuple[int, int], TokenBucket] = Lru(MAX_ADDRESSES)

    def admit(self, ip: IPAddress, now: float) -> bool:
        """Tell whether a datagram from `ip` is to be looked at."""
        key = (ip.version, int(ip) >> (0 if ip.version == 4 else 64))
        bucket = self._addresses.get(key)
        if bucket is None:
            bucket = TokenBucket(self._per_address, now)
            self._addresses.put(key, bucket)
        if self._total is None:
            self._total = TokenBucket(self._total_rate, now)
        return bucket.take(now) and self._total.take(now)
