from dataclasses import replace

import pytest
from libs.protocol.tests.types.samples import PUBKEY

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import BlsPublicKey, DomainType, ExecutionAddress, OperatorId, ValidatorIndex
from ssv_protocol.types.share import Share, ShareMember

HOODI = DomainType(bytes.fromhex("00000503"))
MEMBERS = tuple(ShareMember(BlsPublicKey(bytes([i]) * 48), OperatorId(i)) for i in (1, 2, 3, 4))
SHARE = Share(
    validator_index=ValidatorIndex(1),
    validator_pubkey=PUBKEY,
    share_pubkey=MEMBERS[0].share_pubkey,
    committee=MEMBERS,
    domain=DomainType(bytes.fromhex("00000001")),
    fee_recipient=ExecutionAddress(bytes(20)),
    graffiti=bytes(32),
)


def test_a_whole_share_is_valid() -> None:
    SHARE.validate()


def test_a_test_network_names_its_own_domain() -> None:
    share = replace(SHARE, domain=HOODI)
    share.validate({HOODI})
    with pytest.raises(ProtocolError):
        share.validate()


@pytest.mark.parametrize(
    "broken",
    [
        replace(SHARE, validator_pubkey=BlsPublicKey(bytes(48))),
        replace(SHARE, committee=()),
        replace(SHARE, committee=(*MEMBERS, ShareMember(PUBKEY, OperatorId(0)))),
        replace(SHARE, committee=(*MEMBERS, MEMBERS[2])),
        replace(SHARE, domain=DomainType(b"\xff" * 4)),
    ],
)
def test_a_broken_share_is_refused(broken: Share) -> None:
    with pytest.raises(ProtocolError) as error:
        broken.validate()
    assert error.value.reason is Reason.SHARE_INVALID


def test_members_are_found_by_operator() -> None:
    assert SHARE.share_pubkey_of(OperatorId(3)) == bytes([3]) * 48
    assert SHARE.share_pubkey_of(OperatorId(5)) is None
