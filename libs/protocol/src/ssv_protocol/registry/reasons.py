"""Why an event of the contract was skipped.

A skipped event is never fatal: the contract admits more than the network does (it checks neither shares nor
nonces), and every node skips the same ones. What does stop the registry (blocks out of order) is a
`ProtocolError` with a `Reason` of `errors.py`.
"""

from enum import StrEnum


class SkipReason(StrEnum):
    """Why an event left the registry as it was (but for the nonce of a ValidatorAdded)."""

    # unparseable logs; these consume no nonce
    UNKNOWN_EVENT = "unknown_event"
    MALFORMED_LOG = "malformed_log"
    OPERATOR_KEY_ENCODING = "operator_key_encoding"
    # operators
    OPERATOR_EXISTS = "operator_exists"
    OPERATOR_KEY_EXISTS = "operator_key_exists"
    OPERATOR_UNKNOWN = "operator_unknown"
    # ValidatorAdded
    COMMITTEE_SIZE = "committee_size"
    COMMITTEE_DUPLICATE = "committee_duplicate"
    COMMITTEE_OPERATOR_UNKNOWN = "committee_operator_unknown"
    SHARES_LENGTH = "shares_length"
    VALIDATOR_KEY = "validator_key"
    OWNERSHIP_SIGNATURE = "ownership_signature"
    VALIDATOR_EXISTS = "validator_exists"
    # ValidatorAdded, ValidatorRemoved, ValidatorExited
    VALIDATOR_UNKNOWN = "validator_unknown"
    VALIDATOR_OWNER = "validator_owner"
