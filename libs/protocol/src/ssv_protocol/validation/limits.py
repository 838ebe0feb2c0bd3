"""How large messages may be.

Source: ssvlabs/ssv message/validation/const.go; ssv-spec types/messages.go (Alan: v1.2.0, Boole: head).
"""

from ssv_protocol.forks import SsvFork

MAX_MESSAGE_BYTES = 9_589_483
"""A whole encoded SignedSSVMessage; what the network's routers let through."""
MAX_DATA_BYTES = {SsvFork.ALAN: 722_412, SsvFork.BOOLE: 726_932}
"""The data of an SSVMessage, by rule set."""
MAX_PARTIALS = {SsvFork.ALAN: 1_512, SsvFork.BOOLE: 5_048}
"""Partial signatures in a batch, by rule set."""
