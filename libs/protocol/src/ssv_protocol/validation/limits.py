"""How large messages may be, how many partial signatures a batch, and how far consensus may go.

Source: ssvlabs/ssv message/validation/const.go; ssv-spec types/messages.go (Alan: v1.2.0, Boole: head).
"""

from ssv_protocol.forks import SsvFork
from ssv_protocol.types.ids import Round
from ssv_protocol.types.roles import RunnerRole

MAX_MESSAGE_BYTES = 9_589_483
"""A whole encoded SignedSSVMessage; what the network's routers let through."""
MAX_DATA_BYTES = {SsvFork.ALAN: 722_412, SsvFork.BOOLE: 726_932}
"""The data of an SSVMessage, by rule set."""
MAX_BATCH_BYTES = {SsvFork.ALAN: 151_220, SsvFork.BOOLE: 726_932}
"""The data of an SSVMessage that is a batch of partial signatures, by rule set."""
SYNC_SUBCOMMITTEE_SEATS = 512
"""As the network counts, whatever the size of a local chain's sync committee."""
AGGREGATION_SUBNETS = 4
"""Sync subcommittees, each of which a validator may aggregate for."""
MAX_CONTRIBUTION_BATCH = 13
"""Partial signatures of one validator for the sync contributions of one slot."""
LAST_ROUND = {
    RunnerRole.COMMITTEE: Round(12),
    RunnerRole.AGGREGATOR: Round(12),
    RunnerRole.AGGREGATOR_COMMITTEE: Round(12),
    RunnerRole.PROPOSER: Round(6),
    RunnerRole.SYNC_COMMITTEE_CONTRIBUTION: Round(6),
}
"""The last round that other nodes take messages of; own nodes may give up earlier."""
