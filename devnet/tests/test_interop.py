from ssv_devnet.interop import interop_secret_key
from ssv_protocol.types.ids import ValidatorIndex

# Keypairs 0 and 1 of the mocked start specification.
PUBKEYS = {
    0: "a99a76ed7796f7be22d5b7e85deeb7c5677e88e511e0b337618f8c4eb61349b4bf2d153f649f7b53359fe8b94a38e44c",
    1: "b89bebc699769726a318c8e9971bd3171297c61aea4a6578a7a4f94b547dcba5bac16a89108b6b6a1fe3695d1a874a0b",
}


def test_keys_are_those_of_the_specification() -> None:
    for index, pubkey in PUBKEYS.items():
        assert interop_secret_key(ValidatorIndex(index)).public_key().hex() == pubkey
