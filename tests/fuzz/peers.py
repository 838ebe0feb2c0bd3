"""What peers send around gossip: RPCs and their frames, the handshake; and what strangers send to discovery."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address

from libp2p.crypto.secp256k1 import create_new_key_pair

from ssv_discv5 import rlp
from ssv_discv5.endpoint import Endpoint
from ssv_discv5.enr.record import Record
from ssv_discv5.errors import Discv5Error
from ssv_discv5.identity import PrivateKey
from ssv_discv5.ids import RequestId
from ssv_discv5.wire import message as discovery
from ssv_discv5.wire.authdata import Handshake, WhoAreYou, decode_source
from ssv_discv5.wire.packet import mask, unmask
from ssv_gossipsub.errors import DecodeError
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.decode import RpcDecoder
from ssv_gossipsub.wire.framing import Framer
from ssv_gossipsub.wire.rpc import Control, IHave, Prune, Rpc, Subscription
from ssv_p2p_gateway.discovery.records import found
from ssv_p2p_gateway.handshake.errors import HandshakeError
from ssv_p2p_gateway.handshake.node_info import NodeInfo
from ssv_p2p_gateway.handshake.sealed import open_sealed, seal
from ssv_protocol.networks import LOCAL_ALAN_DOMAIN
from tests.fuzz.mutation import nearly
from tests.fuzz.target import Target

MOST_FRAME_BYTES = 4096


def _rpcs() -> Target[bytes]:
    message = encode.message(b"author", b"data" * 20, b"\x01" * 8, "ssv.v2.1")
    control = Control(
        ihave=[IHave("ssv.v2.1", [b"\x02" * 12])],
        iwant=[b"\x03" * 12],
        graft=["ssv.v2.1"],
        prune=[Prune("ssv.v2.1", 60)],
        idontwant=[b"\x04" * 12],
    )
    seeds = [encode.rpc(Rpc([Subscription("ssv.v2.1", True)], [message], control)), encode.rpc(Rpc(control=control))]
    decoder = RpcDecoder()

    def judge(body: bytes) -> str:
        try:
            decoder.decode(body)
        except DecodeError:
            return "refused"
        return "decoded"

    return Target("gossipsub RPC", nearly(seeds), judge)


def _frames() -> Target[bytes]:
    seeds = [encode.frame(b"x" * size) * count for size, count in ((0, 3), (1, 5), (200, 2))]

    def judge(data: bytes) -> str:
        framer = Framer(MOST_FRAME_BYTES)
        try:
            whole = Framer(MOST_FRAME_BYTES).feed(data)
            parts = [frame for at in range(0, len(data), 7) for frame in framer.feed(data[at : at + 7])]
        except DecodeError:
            return "refused"
        assert whole == parts
        return "decoded"

    return Target("gossipsub frames", nearly(seeds), judge)


def _handshakes() -> Target[bytes]:
    pair = create_new_key_pair(b"\x01" * 32)
    infos = [NodeInfo(LOCAL_ALAN_DOMAIN, "v", "e", "c", frozenset({1, 2})), NodeInfo(LOCAL_ALAN_DOMAIN)]

    def judge(data: bytes) -> str:
        try:
            NodeInfo.decode(open_sealed(data)[1])
        except HandshakeError as error:
            return str(error.reason)
        return "decoded"

    return Target("handshake", nearly([seal(pair.private_key, info.encode()) for info in infos]), judge)


def _node_infos() -> Target[bytes]:
    """Under the seal, whose least change the signature shows."""

    def judge(data: bytes) -> str:
        try:
            NodeInfo.decode(data)
        except HandshakeError as error:
            return str(error.reason)
        return "decoded"

    return Target("node info", nearly([NodeInfo(LOCAL_ALAN_DOMAIN, subnets=frozenset({1})).encode()]), judge)


def _discovery_messages() -> Target[bytes]:
    request = RequestId(b"\x01" * 8)
    record = Record.sign(PrivateKey(b"\x02" * 32), 1, {b"ip": b"\x7f\x00\x00\x01"}).raw
    messages: list[discovery.Message] = [
        discovery.Ping(request, 1),
        discovery.Pong(request, 1, Endpoint(IPv4Address("127.0.0.1"), 9000)),
        discovery.FindNode(request, (0, 1, 256)),
        discovery.Nodes(request, 1, (record, record)),
        discovery.TalkReq(request, b"protocol", b"request"),
        discovery.TalkResp(request, b"response"),
    ]

    def judge(data: bytes) -> str:
        try:
            message = discovery.decode(data)
            for raw in message.records if isinstance(message, discovery.Nodes) else ():
                Record.decode(raw)
        except Discv5Error:
            return "refused"
        return "decoded"

    return Target("discovery message", nearly([discovery.encode(message) for message in messages]), judge)


def _discovery_packets() -> Target[bytes]:
    own = PrivateKey(b"\x03" * 32).node_id
    header = b"ssvdv5" + b"\x00\x01\x00" + bytes(12) + b"\x00\x20"

    def judge(data: bytes) -> str:
        # as it is, and as if the sender had masked it for us, which noise never is
        for datagram in (data, mask(own, data[:16].ljust(16, b"\x00"), data[16:1200])):
            try:
                packet = unmask(own, datagram)
                for decode in (WhoAreYou.decode, Handshake.decode, decode_source):
                    with suppress(Discv5Error):
                        decode(packet.header.authdata)
            except Discv5Error:
                outcome = "refused"
            else:
                outcome = "decoded"
        return outcome

    seeds = [bytes(16) + header + bytes(32) + bytes(60), bytes(16) + header[:8] + b"\x02" + header[9:] + bytes(200)]
    return Target("discovery packet", nearly(seeds), judge)


def _ssv_records() -> Target[bytes]:
    """What a record says of an SSV node, under a signature that is the sayer's own."""
    base = Record.sign(PrivateKey(b"\x02" * 32), 1, {})
    pairs = {
        b"domaintype": LOCAL_ALAN_DOMAIN,
        b"ip": b"\x7f\x00\x00\x01",
        b"ip6": bytes(15) + b"\x01",
        b"ssv": b"\x01",
        b"subnets": b"\x01" * 16,
        b"tcp": b"\x32\xc9",
        b"tcp6": b"\x32\xc9",
    }

    def judge(data: bytes) -> str:
        try:
            items = rlp.as_list(rlp.decode(data)) or ()
            keys = [rlp.as_bytes(key) for key in items[::2]]
        except Discv5Error:
            return "refused"
        said = replace(base, pairs=dict(zip(keys, items[1::2], strict=False)))
        return "nothing to dial" if found(said) is None else "found"

    without_ip = {key: value for key, value in pairs.items() if key not in (b"ip", b"tcp")}
    seeds = [rlp.encode(tuple(each for pair in some.items() for each in pair)) for some in (pairs, without_ip)]
    return Target("SSV node record", nearly(seeds), judge)


def targets() -> list[Target[bytes]]:
    """Return the targets."""
    streams = [_rpcs(), _frames(), _handshakes(), _node_infos()]
    return [*streams, _discovery_messages(), _discovery_packets(), _ssv_records()]
