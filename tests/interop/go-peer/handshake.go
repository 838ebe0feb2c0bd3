package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
)

// The handshake: who dials sends its sealed node info, closes its side, and reads the other's.
const (
	infoProtocol = "/ssv/info/0.0.1"
	infoDomain   = "ssv"
	infoTimeout  = 10 * time.Second
	infoMost     = 1 << 16
)

var infoCodec = []byte("ssv/nodeinfo")

type nodeInfo struct {
	Entries []string
}

func (n *nodeInfo) Domain() string                    { return infoDomain }
func (n *nodeInfo) Codec() []byte                     { return infoCodec }
func (n *nodeInfo) MarshalRecord() ([]byte, error)    { return json.Marshal(n) }
func (n *nodeInfo) UnmarshalRecord(data []byte) error { return json.Unmarshal(data, n) }

type metadata struct {
	NodeVersion, ExecutionNode, ConsensusNode, Subnets string
}

// shakeHands answers handshakes and begins one with whom it dials. A failure is counted; it ends the connection, as it
// does for a Go SSV node, unless the peer is told to be lenient.
func shakeHands(h host.Host, key crypto.PrivKey, o Open, counts *Counts) error {
	own, err := sealed(key, o)
	if err != nil {
		return err
	}
	judge := func(connection network.Conn, err error) {
		counts.shaken(connection.RemotePeer(), err)
		if err != nil && !o.Lenient {
			_ = connection.Close()
		}
	}
	h.SetStreamHandler(infoProtocol, func(stream network.Stream) {
		judge(stream.Conn(), reply(stream, own, o.Domain))
	})
	h.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, connection network.Conn) {
		if connection.Stat().Direction == network.DirOutbound {
			go func() { judge(connection, ask(h, connection.RemotePeer(), own, o.Domain)) }()
		}
	}})
	return nil
}

func sealed(key crypto.PrivKey, o Open) ([]byte, error) {
	var bits [topicCount / 8]byte
	for topic := range o.Topics {
		number, err := strconv.Atoi(strings.TrimPrefix(topic, topicPrefix))
		if err != nil {
			return nil, err
		}
		bits[number/8] |= 1 << (number % 8)
	}
	meta, err := json.Marshal(metadata{"go-peer", "go-peer", "go-peer", fmt.Sprintf("%x", bits)})
	if err != nil {
		return nil, err
	}
	envelope, err := record.Seal(&nodeInfo{[]string{"", o.Domain, string(meta)}}, key)
	if err != nil {
		return nil, err
	}
	return envelope.Marshal()
}

func reply(stream network.Stream, own []byte, domain string) error {
	defer stream.Close()
	_ = stream.SetDeadline(time.Now().Add(infoTimeout))
	theirs, err := io.ReadAll(io.LimitReader(stream, infoMost))
	if err != nil {
		return err
	}
	if _, err := stream.Write(own); err != nil {
		return err
	}
	return check(theirs, domain)
}

func ask(h host.Host, id peer.ID, own []byte, domain string) error {
	ctx, cancel := context.WithTimeout(context.Background(), infoTimeout)
	defer cancel()
	stream, err := h.NewStream(ctx, id, infoProtocol)
	if err != nil {
		return err
	}
	defer stream.Close()
	_ = stream.SetDeadline(time.Now().Add(infoTimeout))
	if _, err := stream.Write(own); err != nil {
		return err
	}
	if err := stream.CloseWrite(); err != nil {
		return err
	}
	theirs, err := io.ReadAll(io.LimitReader(stream, infoMost))
	if err != nil {
		return err
	}
	return check(theirs, domain)
}

func check(theirs []byte, domain string) error {
	info := &nodeInfo{}
	if _, err := record.ConsumeTypedEnvelope(theirs, info); err != nil {
		return err
	}
	if len(info.Entries) < 2 || info.Entries[1] != domain {
		return fmt.Errorf("another network: %q", info.Entries)
	}
	return nil
}
