from hashlib import sha256

from ssz.sedes import Container, bytes4, bytes32, uint64

from ssv_protocol.crypto import signing_root
from ssv_protocol.crypto.signing_root import compute_domain, compute_signing_root, uint64_root
from ssv_protocol.types.ids import ForkVersion, Root, Slot

VERSION = ForkVersion(bytes.fromhex("10000910"))
CHAIN = Root(bytes(range(32)))


def test_a_domain_is_the_type_and_the_head_of_the_fork_data_root() -> None:
    fork_data_root = Container((bytes4, bytes32)).get_hash_tree_root((VERSION, CHAIN))
    domain = compute_domain(signing_root.DOMAIN_BEACON_ATTESTER, VERSION, CHAIN)
    assert domain == bytes.fromhex("01000000") + fork_data_root[:28]


def test_a_signing_root_is_that_of_the_signing_data() -> None:
    domain = compute_domain(signing_root.DOMAIN_RANDAO, VERSION, CHAIN)
    whole = Container((bytes32, bytes32)).get_hash_tree_root((CHAIN, domain))
    assert bytes(whole) == sha256(CHAIN + domain).digest()
    assert compute_signing_root(CHAIN, domain) == sha256(CHAIN + domain).digest()


def test_a_bare_number_is_its_own_leaf() -> None:
    leaf: bytes = uint64.get_hash_tree_root(2**40 + 1)
    assert bytes(uint64_root(Slot(2**40 + 1))) == leaf


def test_domain_types_are_distinct() -> None:
    types = [value for name, value in vars(signing_root).items() if name.startswith("DOMAIN_")]
    assert len(types) == len(set(types)) == 11
    assert {len(value) for value in types} == {4}
