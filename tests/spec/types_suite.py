"""The official `types` vectors: encodings, hash tree roots, sizes, ids, keys and validation.

Two things that Go can hold have no counterpart here, and the cases that use them check what is left of
them: an envelope without an SSVMessage, and an attestation whose bit list has no end.

Source: ssv-spec types/spectest/tests.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ssv_protocol.crypto.rsa import OperatorPrivateKey, encrypt, verify
from ssv_protocol.crypto.signing_root import DOMAIN_DEPOSIT, compute_domain, compute_signing_root
from ssv_protocol.errors import ProtocolError
from ssv_protocol.forks import SsvFork
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData
from ssv_protocol.types.beacon import capella
from ssv_protocol.types.beacon.deposit import MAX_EFFECTIVE_BALANCE_GWEI, DepositMessage
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import runner_role
from ssv_protocol.types.ids import ZERO_ROOT, BlsPublicKey, ForkVersion, MessageId
from ssv_protocol.types.message_id import belongs_to_validator
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.share import Share
from ssv_protocol.types.ssz import SszContainer
from ssv_protocol.types.validator_data import ValidatorConsensusData
from tests.spec.alan_types import in_rules_of
from tests.spec.case import Case, Runner
from tests.spec.error_codes import check_error
from tests.spec.go_json import Json, parse_array, parse_bytes, parse_hex, parse_member, parse_signed, parse_whole_signed
from tests.spec.types_json import (
    parse_aggregator_data,
    parse_partial_signatures,
    parse_proposer_data,
    parse_validator_data,
)
from tests.spec.types_sizes import run_size

FORKS = {"alan": SsvFork.ALAN, "boole": SsvFork.BOOLE}
TESTING_VALIDATOR = parse_hex(
    "8e80066551a81b318258709edaf7dd1f63cd686a0e4db8b29bbb7acfe65608677af5a527d9448ee47835485e02b50bc0"
)
"""The validator of the specification's key sets; the cases name it by its index only."""


def error_of(action: Callable[[], object]) -> ProtocolError | None:
    """Return the error that an action ends with."""
    try:
        action()
    except ProtocolError as error:
        return error
    return None


def check_encoding(container: type[SszContainer]) -> Runner:
    """Return a runner: decodes, encodes back, and has the expected root."""

    def run(case: Case) -> None:
        data = parse_bytes(case.json["Data"])
        value = container.decode(data)
        assert value.encode() == data, "another encoding"
        if "ExpectedRoot" in case.json:
            root = in_rules_of(case.version, value).hash_tree_root()
            assert root == parse_array(case.json["ExpectedRoot"]), f"root {root.hex()}"

    return run


def run_validation(
    field: str,
    parse: Callable[[Json], ProposerConsensusData | ValidatorConsensusData | AggregatorCommitteeConsensusData],
) -> Runner:
    """Return a runner: validation of a value ends with the expected error."""

    def run(case: Case) -> None:
        value = parse(case.json[field])
        check_error(case.json["ExpectedErrorCode"], error_of(value.validate), case.version)

    return run


def run_deposit(case: Case) -> None:
    """Sign a deposit of the full balance."""
    message = DepositMessage(
        BlsPublicKey(parse_hex(case.json["ValidatorPK"])),
        parse_hex(case.json["WithdrawalCredentials"]),
        MAX_EFFECTIVE_BALANCE_GWEI,
    )
    assert parse_array(case.json["Domain"]) == DOMAIN_DEPOSIT
    version = ForkVersion(parse_array(case.json["ForkVersion"]))
    domain = compute_domain(DOMAIN_DEPOSIT, version, ZERO_ROOT)
    root = compute_signing_root(message.hash_tree_root(), domain)
    assert root.hex() == case.json["ExpectedSigningRoot"], root.hex()


def run_committee_member(case: Case) -> None:
    """Count a message's signers against the committee."""
    member = parse_member(case.json["CommitteeMember"])
    assert error_of(member.validate) is None
    message = parse_signed(case.json["Message"])
    check_error(case.json["ExpectedErrorCode"], error_of(message.validate), case.version)
    signers = len(set(message.operator_ids))
    assert (signers >= member.quorum) is case.json["ExpectedHasQuorum"]
    assert (signers == len(member.committee)) is case.json["ExpectedFullCommittee"]


def run_proposer(case: Case) -> None:
    """Decode the block of a proposal: form, root and bytes."""
    data = parse_bytes(case.json["DataCd"])
    container = ValidatorConsensusData if case.version == "alan" else ProposerConsensusData
    value = container.decode(data)
    assert value.encode() == data
    error = error_of(value.proposal)
    check_error(case.json["ExpectedErrorCode"], error, case.version)
    if error is None:
        proposal = value.proposal()
        assert proposal.blinded is case.json["Blinded"], "wrong form"
        assert proposal.root().hex() == case.json["ExpectedBlkRoot"], "wrong block root"
        assert proposal.encode() == parse_bytes(case.json["DataBlk"]), "wrong block"
        assert value.hash_tree_root().hex() == case.json["ExpectedCdRoot"], "wrong root of the value"
        assert proposal.blind().root() == proposal.root(), "blinding changed the root"


def run_duty(case: Case) -> None:
    """Map a beacon role to a runner's."""
    role = runner_role(case.json["BeaconRole"], FORKS[case.version])
    assert role == case.json["RunnerRole"], role.name


def run_encryption(case: Case) -> None:
    """Derive the public key, encrypt and decrypt."""
    key = OperatorPrivateKey.from_pem(parse_bytes(case.json["SKPem"]))
    public_pem = parse_bytes(case.json["PKPem"])
    plaintext = parse_bytes(case.json["PlainText"])
    assert key.public_pem() == public_pem
    assert key.to_pem() == parse_bytes(case.json["SKPem"])
    assert key.decrypt(encrypt(public_pem, plaintext)) == plaintext


def run_partial_signatures(case: Case) -> None:
    """Validate, encode and hash batches of partial signatures."""
    last_error: ProtocolError | None = None
    for index, tree in enumerate(case.json["Messages"]):
        message = parse_partial_signatures(tree)
        last_error = error_of(message.validate) or last_error
        if case.json["EncodedMessages"]:
            encoded = message.encode()
            assert encoded == parse_bytes(case.json["EncodedMessages"][index])
            assert PartialSignatures.decode(encoded) == message
        if case.json["ExpectedRoots"]:
            root = in_rules_of(case.version, message).hash_tree_root()
            assert root == parse_array(case.json["ExpectedRoots"][index]), root.hex()
    check_error(case.json["ExpectedErrorCode"], last_error, case.version)


def run_signed_message(case: Case) -> None:
    """Validate envelopes and verify their RSA signatures."""
    keys = [parse_bytes(key) for key in case.json["RSAPublicKey"] or ()]
    for tree in case.json["Messages"]:
        check_error(case.json["ExpectedErrorCode"], error_of(partial(_check_signed, tree, keys)), case.version)


def _check_signed(tree: Json, keys: list[bytes]) -> None:
    signed = parse_whole_signed(tree)
    signed.validate()
    encoded = signed.ssv_message.encode()
    for key, signature in zip(keys, signed.signatures, strict=True):
        assert verify(key, encoded, signature), "wrong RSA signature"


def run_message_id(case: Case) -> None:
    """Tell whether message ids belong to the testing validator."""
    assert case.json["ValidatorIndex"] == "1"
    for text in case.json["MessageIDs"]:
        belongs = belongs_to_validator(MessageId(parse_hex(text)), BlsPublicKey(TESTING_VALIDATOR))
        assert belongs is case.json["BelongsToValidator"], text


def run_withdrawals(case: Case) -> None:
    """Hash the withdrawals of a Capella block."""
    container = ValidatorConsensusData if case.version == "alan" else ProposerConsensusData
    error = error_of(lambda: _check_withdrawals(container.decode(parse_bytes(case.json["Data"])), case.json))
    check_error(case.json["ExpectedErrorCode"], error, case.version)


def _check_withdrawals(value: ProposerConsensusData | ValidatorConsensusData, tree: Json) -> None:
    block = value.proposal().block
    assert isinstance(block, capella.BeaconBlock)
    root = block.body.execution_payload.field_root("withdrawals")
    assert root.hex() == tree["ExpectedRoot"], root.hex()


RUNNERS: dict[str, Runner] = {
    "aggregatorcommitteeconsensusdata.AggregatorCommitteeConsensusDataTest": run_validation(
        "AggCommConsensusData", parse_aggregator_data
    ),
    "aggregatorcommitteeconsensusdata.EncodingTest": check_encoding(AggregatorCommitteeConsensusData),
    "beacon.DepositDataSpecTest": run_deposit,
    "beaconvote.EncodingTest": check_encoding(BeaconVote),
    "committeemember.CommitteeMemberTest": run_committee_member,
    "consensusdataproposer.ProposerSpecTest": run_proposer,
    "duty.DutySpecTest": run_duty,
    "encryption.EncryptionSpecTest": run_encryption,
    "maxmsgsize.StructureSizeTest": run_size,
    "partialsigmessage.EncodingTest": check_encoding(PartialSignatures),
    "partialsigmessage.MsgSpecTest": run_partial_signatures,
    "proposerconsensusdata.EncodingTest": check_encoding(ProposerConsensusData),
    "proposerconsensusdata.ProposerConsensusDataTest": run_validation("ConsensusData", parse_proposer_data),
    "share.EncodingTest": check_encoding(Share),
    "signedssvmsg.EncodingTest": check_encoding(SignedSSVMessage),
    "signedssvmsg.SignedSSVMessageTest": run_signed_message,
    "ssvmsg.EncodingTest": check_encoding(SSVMessage),
    "ssvmsg.SSVMessageTest": run_message_id,
    "ssz.SSZSpecTest": run_withdrawals,
    "validatorconsensusdata.EncodingTest": check_encoding(ValidatorConsensusData),
    "validatorconsensusdata.ValidatorConsensusDataTest": run_validation("ConsensusData", parse_validator_data),
}
