"""This operator's share of a validator, derived from the registry with the operator's private key.

The registry itself is the same for every operator and knows no secret. Where the Go node drops the whole event
when the own share cannot be decrypted, here the validator stays registered (its committee's messages can still
be validated) and the trouble is reported apart: no share, with a reason.

Source: ssv-spec types/crypto.go; ssvlabs/ssv eth/eventhandler.
"""

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.crypto.shares import decrypt_share
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.registry.state import ValidatorRecord
from ssv_protocol.types.ids import OperatorId


def own_share(record: ValidatorRecord, operator_id: OperatorId, operator_private_key: OperatorPrivateKey) -> SecretKey:
    """Decrypt the operator's share and check it against the share public key of the event.

    Raises:
        ProtocolError: SHARE_INVALID when the operator is not in the committee, SHARE_DECRYPTION when the share
            is not encrypted for this key, is no key, or is not the one announced. Without any part of a secret.
    """
    if operator_id not in record.operator_ids:
        raise ProtocolError(Reason.SHARE_INVALID, f"operator {operator_id} is not in the committee")
    seat = record.operator_ids.index(operator_id)
    return decrypt_share(operator_private_key, record.encrypted_keys[seat], record.share_public_keys[seat])
