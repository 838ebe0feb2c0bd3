"""What can go wrong between us and an execution node, by what the caller can do about it.

Every text is one line that names the endpoint without what may be secret in its URL.

What providers say when a range is too large or their history is gone follows no standard: texts are recognised by
words that several clients and providers have in common.

Source: execution-apis, JSON-RPC 2.0, EIP-1474 (error codes), EIP-4444 (expired history).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ssv_protocol.errors import SsvError

_LIMIT_EXCEEDED = -32005
_PRUNED_HISTORY = 4444
_TOO_OFTEN = re.compile(r"rate|too many requests|requests? per|quota|capacity", re.IGNORECASE)
_TOO_LARGE = re.compile(
    r"too (many|large|big|wide)|more than|limit|exceed|range|response size|result size|timed? ?out|timeout",
    re.IGNORECASE,
)
_PRUNED = re.compile(
    r"prun|histor\w* (\w+ ){0,3}(un|not )available|(un|not )available histor|missing trie node|expired"
    r"|old(er)? (data|block|than)|earliest (available )?block|ancient|no longer available|before the (first|oldest)",
    re.IGNORECASE,
)


class ExecutionError(SsvError):
    """Root: a request to the execution node `endpoint` brought no usable answer."""

    def __init__(self, endpoint: str, request: str, problem: str) -> None:
        super().__init__(f"execution node {endpoint}, {request}: {problem}")
        self.endpoint = endpoint
        self.request = request
        self.problem = problem


class ExecutionUnreachable(ExecutionError):
    """No connection, it broke before the answer was complete, or an HTTP error came instead."""


class ExecutionTimeout(ExecutionError):
    """No complete answer in time."""


class ExecutionAnswerInvalid(ExecutionError):
    """The answer is not what was asked for."""


class BlockUnknown(ExecutionError):
    """The node has no such block (yet)."""


class ExecutionRefused(ExecutionError):
    """The node answered with a JSON-RPC error."""


class RangeTooLarge(ExecutionRefused):
    """The logs of so many blocks are more than the node gives at once. A smaller range may do."""


class HistoryPruned(ExecutionRefused):
    """The node does not keep what is that old. Another node may do."""


class NoExecutionNode(ExecutionError):
    """There is no node that could be asked."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("(none)", "any request", "; ".join(problems) or "none is configured")


def refusal(endpoint: str, request: str, code: int, message: str) -> ExecutionRefused:
    """Return the error that a JSON-RPC error stands for."""
    kind = ExecutionRefused
    if _TOO_OFTEN.search(message):
        pass
    elif code == _PRUNED_HISTORY or _PRUNED.search(message):
        kind = HistoryPruned
    elif code == _LIMIT_EXCEEDED or _TOO_LARGE.search(message):
        kind = RangeTooLarge
    return kind(endpoint, request, f"error {code}: {message}")
