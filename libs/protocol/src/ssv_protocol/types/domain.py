"""SSV domains that the specification lists.

Public test networks have others; a node adds the ones of its own network.

Source: ssv-spec types/domain_type.go.
"""

from ssv_protocol.types.ids import DomainType

SPEC_DOMAINS = frozenset(
    DomainType(bytes.fromhex(domain))
    for domain in (
        "00000000",  # mainnet Genesis
        "00000001",  # mainnet Alan
        "00000002",  # mainnet Boole
        "00000100",  # Primus
        "00000200",  # Shifu
        "00000201",  # Shifu v2
        "00000301",  # Jato
        "00000302",  # Jato Alan
        "00000401",  # Jato v2
    )
)
