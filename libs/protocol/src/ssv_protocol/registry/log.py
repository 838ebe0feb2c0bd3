"""A log of the execution chain, as the registry takes it: plain bytes, no client library's types.

Source: execution-apis, `eth_getLogs`.
"""

from dataclasses import dataclass

from ssv_protocol.types.ids import ExecutionAddress


@dataclass(frozen=True, slots=True)
class Log:
    """One log. `log_index` is its place in the block, `topics` are 32 bytes each."""

    block_number: int
    block_hash: bytes
    log_index: int
    address: ExecutionAddress
    topics: tuple[bytes, ...]
    data: bytes
