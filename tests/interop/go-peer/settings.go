package main

import (
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

// What the SSV network sets. Source: ssvlabs/ssv, network/topics and network/topics/params.
const (
	topicPrefix = "ssv.v2."
	topicCount  = 128
	heartbeat   = 700 * time.Millisecond
	seenTTL     = 550 * heartbeat
	queue       = 512
	buffer      = 256
	throttle    = 8192
	maxMessage  = 9_589_483

	gossipThreshold   = -4000.0
	graylistThreshold = -16000.0
	topicsWeight      = 4.0
	invalidToGraylist = 20.0
	topicScoreCap     = 32.72
	inspectEvery      = 500 * time.Millisecond
)

func messageID(message *pb.Message) string {
	if len(message.GetData()) == 0 {
		return "invalid:empty"
	}
	if _, err := peer.IDFromBytes(message.GetFrom()); err != nil {
		return "invalid:peer_id_error"
	}
	id := make([]byte, 12)
	binary.LittleEndian.PutUint64(id, xxhash.Sum64(message.GetData()))
	return string(id)
}

func gossipParameters() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D, p.Dlo, p.Dhi = 8, 6, 12
	p.HeartbeatInterval = heartbeat
	p.HistoryLength, p.HistoryGossip = 6, 4
	p.MaxIHaveLength, p.MaxIHaveMessages = 1500, 32
	return p
}

func scores(epoch time.Duration, byAddress bool) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	decay := decayOver(10)
	excess := 10/(1-decay) - 6
	p := &pubsub.PeerScoreParams{
		Topics:                      map[string]*pubsub.TopicScoreParams{},
		TopicScoreCap:               topicScoreCap,
		AppSpecificScore:            func(peer.ID) float64 { return 0 },
		IPColocationFactorThreshold: 10,
		BehaviourPenaltyWeight:      gossipThreshold / (excess * excess),
		BehaviourPenaltyThreshold:   6,
		BehaviourPenaltyDecay:       decay,
		DecayInterval:               epoch,
		DecayToZero:                 0.01,
		RetainScore:                 100 * epoch,
		SeenMsgTTL:                  seenTTL,
	}
	if byAddress {
		p.IPColocationFactorWeight = -topicScoreCap
	}
	return p, &pubsub.PeerScoreThresholds{
		GossipThreshold:             gossipThreshold,
		PublishThreshold:            2 * gossipThreshold,
		GraylistThreshold:           graylistThreshold,
		AcceptPXThreshold:           100,
		OpportunisticGraftThreshold: 5,
	}
}

func topicScores(slot, epoch time.Duration, perEpoch float64) *pubsub.TopicScoreParams {
	quanta := float64(time.Hour / slot)
	first := decayOver(4)
	firstCap := 2 * perEpoch / 8 / (1 - first)
	if firstCap == 0 {
		firstCap = 1
	}
	weight := topicsWeight / topicCount
	meshDecay := decayOver(16)
	meshThreshold := math.Max(1, perEpoch/50/(1-meshDecay)*meshDecay)
	return &pubsub.TopicScoreParams{
		TopicWeight:                     weight,
		TimeInMeshWeight:                10 / quanta,
		TimeInMeshQuantum:               slot,
		TimeInMeshCap:                   quanta,
		FirstMessageDeliveriesWeight:    80 / firstCap,
		FirstMessageDeliveriesDecay:     first,
		FirstMessageDeliveriesCap:       firstCap,
		MeshMessageDeliveriesDecay:      meshDecay,
		MeshMessageDeliveriesThreshold:  meshThreshold,
		MeshMessageDeliveriesCap:        16 * meshThreshold,
		MeshMessageDeliveriesActivation: 3 * epoch,
		MeshMessageDeliveriesWindow:     2 * time.Second,
		MeshFailurePenaltyDecay:         meshDecay,
		InvalidMessageDeliveriesWeight:  graylistThreshold / (weight * invalidToGraylist * invalidToGraylist),
		InvalidMessageDeliveriesDecay:   decayOver(100),
	}
}

// decayOver returns what leaves a hundredth of a counter after so many intervals.
func decayOver(intervals float64) float64 { return math.Pow(0.01, 1/intervals) }

type ownTopics map[string]bool

func (t ownTopics) CanSubscribe(topic string) bool {
	return strings.HasPrefix(topic, topicPrefix) && t[topic]
}

func (t ownTopics) FilterIncomingSubscriptions(
	_ peer.ID, options []*pb.RPC_SubOpts,
) ([]*pb.RPC_SubOpts, error) {
	if len(options) > topicCount+1 {
		return nil, pubsub.ErrTooManySubscriptions
	}
	return pubsub.FilterSubscriptions(options, t.CanSubscribe), nil
}
