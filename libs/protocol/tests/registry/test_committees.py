import pytest
from eth_abi.abi import encode
from libs.protocol.tests.registry import chain

from ssv_protocol.crypto import rsa
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.networks import LOCAL_ALAN_DOMAIN
from ssv_protocol.registry.committees import committee_member, share_of
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import MessageId, OperatorId, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.roles import MsgType

TWO = OperatorId(2)


def test_a_seat_in_a_committee() -> None:
    network = chain.chain_with_operators()
    member = committee_member(network.state, TWO, chain.FOUR[::-1], LOCAL_ALAN_DOMAIN)
    assert member.operator_id == TWO
    assert member.operator_ids == chain.FOUR
    assert member.committee_id == committee_id(chain.FOUR)
    assert member.public_key == chain.operator_key(2).public_pem()
    assert [operator.public_key for operator in member.committee] == [
        chain.operator_key(operator_id).public_pem() for operator_id in chain.FOUR
    ]
    assert (member.faulty_nodes, member.quorum, member.domain) == (1, 3, LOCAL_ALAN_DOMAIN)
    assert CommitteeMember.decode(member.encode()) == member


def test_a_removed_operator_keeps_its_seat_but_nothing_it_says_verifies() -> None:
    network = chain.chain_with_operators()
    network.block(chain.log("OperatorRemoved", 4))
    member = committee_member(network.state, TWO, chain.FOUR, LOCAL_ALAN_DOMAIN)
    assert member.quorum == 3
    assert member.operator_ids == chain.FOUR
    assert member.public_key_of(OperatorId(4)) is None
    message = SSVMessage(MsgType.CONSENSUS, MessageId(bytes(56)), b"data")
    for operator_id, counts in ((3, True), (4, False)):
        signature = chain.operator_key(operator_id).sign(message)
        signed = SignedSSVMessage((signature,), (OperatorId(operator_id),), message, b"")
        assert rsa.verify_envelope(member, signed) is counts


def test_an_operator_without_a_usable_key_keeps_its_seat() -> None:
    network = chain.chain_with_operators(1, 2, 3)
    network.block(chain.operator_added(4, encode(["bytes"], [b"no key"])))
    member = committee_member(network.state, TWO, chain.FOUR, LOCAL_ALAN_DOMAIN)
    assert member.public_key_of(OperatorId(4)) is None
    with pytest.raises(ProtocolError) as caught:
        committee_member(network.state, OperatorId(4), chain.FOUR, LOCAL_ALAN_DOMAIN)
    assert caught.value.reason is Reason.COMMITTEE_MEMBER_INVALID


def test_without_a_quorum_there_is_no_seat() -> None:
    network = chain.chain_with_operators()
    network.block(chain.log("OperatorRemoved", 3), chain.log("OperatorRemoved", 4))
    with pytest.raises(ProtocolError) as caught:
        committee_member(network.state, TWO, chain.FOUR, LOCAL_ALAN_DOMAIN)
    assert caught.value.reason is Reason.COMMITTEE_MEMBER_INVALID


@pytest.mark.parametrize("numbers", [(1, 3, 4, 5), (1, 2, 3), (1, 2, 2, 3)])
def test_no_seat_or_no_committee(numbers: tuple[int, ...]) -> None:
    network = chain.chain_with_operators(1, 2, 3, 4, 5)
    operator_ids = [OperatorId(number) for number in numbers]
    with pytest.raises(ProtocolError) as caught:
        committee_member(network.state, TWO, operator_ids, LOCAL_ALAN_DOMAIN)
    assert caught.value.reason is Reason.COMMITTEE_MEMBER_INVALID


def test_the_share_of_an_operator() -> None:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0), chain.log("FeeRecipientAddressUpdated", chain.OWNER, chain.STRANGER))
    (record,) = network.state.validators.values()
    share = share_of(network.state, record, TWO, ValidatorIndex(16), LOCAL_ALAN_DOMAIN)
    assert share.validator_index == 16
    assert share.share_pubkey == record.share_public_keys[1]
    assert share.fee_recipient == chain.STRANGER
    assert share.share_pubkey_of(OperatorId(4)) == record.share_public_keys[3]
    share.validate({LOCAL_ALAN_DOMAIN})
    with pytest.raises(ProtocolError) as caught:
        share_of(network.state, record, OperatorId(5), ValidatorIndex(16), LOCAL_ALAN_DOMAIN)
    assert caught.value.reason is Reason.SHARE_INVALID
