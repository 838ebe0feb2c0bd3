"""GossipSub v1.1 and IDONTWANT of v1.2 as a state machine: no sockets, no clock, no tasks, no logs."""

from ssv_gossipsub.envelope import EnvelopeCheck, unsigned_with_author
from ssv_gossipsub.errors import DecodeError, GossipError, ParameterError
from ssv_gossipsub.ids import MessageId, MessageIdFunction, PeerId
from ssv_gossipsub.messages import Published, Received
from ssv_gossipsub.parameters import RouterParameters
from ssv_gossipsub.peer import Peer, Protocol
from ssv_gossipsub.router import Router
from ssv_gossipsub.score.parameters import ScoreParameters, ScoreThresholds, TopicScoreParameters, decay_over
from ssv_gossipsub.score.record import PeerScore
from ssv_gossipsub.verdict import Verdict
from ssv_gossipsub.wire.decode import RpcDecoder, WireLimits
from ssv_gossipsub.wire.framing import Framer
from ssv_gossipsub.wire.message import Message

__all__ = [
    "DecodeError",
    "EnvelopeCheck",
    "Framer",
    "GossipError",
    "Message",
    "MessageId",
    "MessageIdFunction",
    "ParameterError",
    "Peer",
    "PeerId",
    "PeerScore",
    "Protocol",
    "Published",
    "Received",
    "Router",
    "RouterParameters",
    "RpcDecoder",
    "ScoreParameters",
    "ScoreThresholds",
    "TopicScoreParameters",
    "Verdict",
    "WireLimits",
    "decay_over",
    "unsigned_with_author",
]
