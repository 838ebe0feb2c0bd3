package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	mplex "github.com/libp2p/go-libp2p-mplex"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// Open says what a new peer is like.
type Open struct {
	Listen    string             `json:"listen"` // an IPv4 address of loopback
	Muxer     string             `json:"muxer"`  // yamux or mplex
	Domain    string             `json:"domain"` // as in the handshake, 0x…
	SlotS     float64            `json:"slot_s"`
	EpochS    float64            `json:"epoch_s"`
	Lenient   bool               `json:"lenient"` // stay connected whatever comes of the handshake
	ByAddress bool               `json:"by_address"`
	Topics    map[string]float64 `json:"topics"`    // messages expected of each in an epoch
	Operators map[uint64]string  `json:"operators"` // public keys (PEM); none: every message is good
}

// Publication is a run of messages of one peer.
type Publication struct {
	Topic string   `json:"topic"`
	Data  [][]byte `json:"data"`
	PerS  float64  `json:"per_s"` // 0: at once
}

// Peer is one libp2p host with one pubsub router.
type Peer struct {
	host   host.Host
	topics map[string]*pubsub.Topic
	counts *Counts
	mutex  sync.Mutex
	heard  []string
}

var muxers = map[string]libp2p.Option{
	"yamux": libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
	"mplex": libp2p.Muxer(mplex.ID, mplex.DefaultTransport),
}

func open(o Open) (*Peer, error) {
	muxer, ok := muxers[o.Muxer]
	if !ok {
		return nil, fmt.Errorf("no muxer %q", o.Muxer)
	}
	key, _, err := crypto.GenerateSecp256k1Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(
		libp2p.Identity(key),
		libp2p.ListenAddrStrings("/ip4/"+o.Listen+"/tcp/0"),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New),
		muxer,
		libp2p.UserAgent("go-peer"),
		libp2p.EnableNATService(),
		libp2p.AutoNATServiceRateLimit(15, 3, time.Minute),
		libp2p.DisableRelay(),
	)
	if err != nil {
		return nil, err
	}
	p := &Peer{host: h, topics: map[string]*pubsub.Topic{}, counts: newCounts()}
	if err := p.join(o); err != nil {
		return nil, err
	}
	return p, shakeHands(h, key, o, p.counts)
}

func (p *Peer) join(o Open) error {
	slot, epoch := time.Duration(o.SlotS*float64(time.Second)), time.Duration(o.EpochS*float64(time.Second))
	allowed := ownTopics{}
	for topic := range o.Topics {
		allowed[topic] = true
	}
	params, thresholds := scores(epoch, o.ByAddress)
	router, err := pubsub.NewGossipSub(context.Background(), p.host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithGossipSubParams(gossipParameters()),
		pubsub.WithPeerScore(params, thresholds),
		pubsub.WithPeerScoreInspect(p.counts.inspect, inspectEvery),
		pubsub.WithSeenMessagesTTL(seenTTL),
		pubsub.WithPeerOutboundQueueSize(queue),
		pubsub.WithValidateQueueSize(queue),
		pubsub.WithValidateThrottle(throttle),
		pubsub.WithMaxMessageSize(maxMessage),
		pubsub.WithSubscriptionFilter(allowed),
		pubsub.WithRawTracer(p.counts),
		pubsub.WithAppSpecificRpcInspector(p.counts.Came),
	)
	if err != nil {
		return err
	}
	judge, err := newJudge(o.Operators)
	if err != nil {
		return err
	}
	for name, perEpoch := range o.Topics {
		if err := router.RegisterTopicValidator(name, judge.validate); err != nil {
			return err
		}
		topic, err := router.Join(name)
		if err != nil {
			return err
		}
		if err := topic.SetScoreParams(topicScores(slot, epoch, perEpoch)); err != nil {
			return err
		}
		subscription, err := topic.Subscribe(pubsub.WithBufferSize(buffer))
		if err != nil {
			return err
		}
		p.topics[name] = topic
		go p.hear(subscription)
	}
	return nil
}

func (p *Peer) hear(subscription *pubsub.Subscription) {
	for {
		message, err := subscription.Next(context.Background())
		if err != nil {
			return
		}
		if message.ReceivedFrom == p.host.ID() {
			continue
		}
		digest := sha256.Sum256(message.Data)
		p.mutex.Lock()
		p.heard = append(p.heard, hex.EncodeToString(digest[:]))
		p.mutex.Unlock()
	}
}

// received returns the SHA-256 of each message that others published, in the order of arrival.
func (p *Peer) received() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append([]string{}, p.heard...)
}

func (p *Peer) address() string {
	return p.host.Addrs()[0].String() + "/p2p/" + p.host.ID().String()
}

func (p *Peer) connect(address string) error {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return p.host.Connect(ctx, *info)
}

func (p *Peer) publish(run Publication) error {
	topic := p.topics[run.Topic]
	if topic == nil {
		return fmt.Errorf("not on %q", run.Topic)
	}
	begun := time.Now()
	for number, data := range run.Data {
		if run.PerS > 0 {
			time.Sleep(time.Until(begun.Add(time.Duration(float64(number) / run.PerS * float64(time.Second)))))
		}
		if err := topic.Publish(context.Background(), data); err != nil {
			return err
		}
	}
	return nil
}

func (p *Peer) close() error { return p.host.Close() }
