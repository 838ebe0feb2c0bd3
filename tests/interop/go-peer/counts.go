package main

import (
	"sort"
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Control counts what went one way between two peers: ids in IHAVE, IWANT and IDONTWANT, GRAFTs and PRUNEs, messages.
type Control struct {
	IHave     int `json:"ihave"`
	IWant     int `json:"iwant"`
	IDontWant int `json:"idontwant"`
	Graft     int `json:"graft"`
	Prune     int `json:"prune"`
	Messages  int `json:"messages"`
	RPCs      int `json:"rpcs"`
}

// Score is what a peer thinks of another: now, and the lowest that it ever was.
type Score struct {
	Now     float64 `json:"now"`
	Lowest  float64 `json:"lowest"`
	Penalty float64 `json:"behaviour"`
	Address float64 `json:"by_address"`
	Invalid float64 `json:"invalid"`
}

// Neighbour is all that is known of another peer.
type Neighbour struct {
	Protocol string   `json:"protocol"`
	Hands    string   `json:"handshake"` // empty: none yet; ok; or what went wrong
	In       Control  `json:"in"`
	Out      Control  `json:"out"`
	Score    Score    `json:"score"`
	Mesh     []string `json:"mesh"`
	mesh     map[string]bool
}

// Report is what a peer counted.
type Report struct {
	Delivered  int                   `json:"delivered"`
	Duplicates int                   `json:"duplicates"`
	Rejected   map[string]int        `json:"rejected"`
	Dropped    int                   `json:"dropped"`
	Unheard    int                   `json:"unheard"`
	Neighbours map[string]*Neighbour `json:"neighbours"`
}

// Counts traces a router.
type Counts struct {
	mutex      sync.Mutex
	neighbours map[peer.ID]*Neighbour
	rejected   map[string]int
	delivered  int
	duplicates int
	dropped    int
	unheard    int
}

func newCounts() *Counts {
	return &Counts{neighbours: map[peer.ID]*Neighbour{}, rejected: map[string]int{}}
}

func (c *Counts) report() Report {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	r := Report{
		Delivered: c.delivered, Duplicates: c.duplicates, Dropped: c.dropped, Unheard: c.unheard,
		Rejected: map[string]int{}, Neighbours: map[string]*Neighbour{},
	}
	for reason, count := range c.rejected {
		r.Rejected[reason] = count
	}
	for id, n := range c.neighbours {
		copied := *n
		copied.Mesh = []string{}
		for topic := range n.mesh {
			copied.Mesh = append(copied.Mesh, topic)
		}
		sort.Strings(copied.Mesh)
		r.Neighbours[id.String()] = &copied
	}
	return r
}

func (c *Counts) inspect(snapshots map[peer.ID]*pubsub.PeerScoreSnapshot) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for id, snapshot := range snapshots {
		s := &c.of(id).Score
		s.Now, s.Penalty, s.Address = snapshot.Score, snapshot.BehaviourPenalty, snapshot.IPColocationFactor
		s.Lowest = min(s.Lowest, snapshot.Score)
		s.Invalid = 0
		for _, topic := range snapshot.Topics {
			s.Invalid += topic.InvalidMessageDeliveries
		}
	}
}

// of returns a neighbour; the caller holds the mutex.
func (c *Counts) of(id peer.ID) *Neighbour {
	n := c.neighbours[id]
	if n == nil {
		n = &Neighbour{mesh: map[string]bool{}}
		c.neighbours[id] = n
	}
	return n
}

func (control *Control) add(rpc *pubsub.RPC) {
	control.RPCs++
	control.Messages += len(rpc.GetPublish())
	for _, ihave := range rpc.GetControl().GetIhave() {
		control.IHave += len(ihave.GetMessageIDs())
	}
	for _, iwant := range rpc.GetControl().GetIwant() {
		control.IWant += len(iwant.GetMessageIDs())
	}
	for _, idontwant := range rpc.GetControl().GetIdontwant() {
		control.IDontWant += len(idontwant.GetMessageIDs())
	}
	control.Graft += len(rpc.GetControl().GetGraft())
	control.Prune += len(rpc.GetControl().GetPrune())
}

func (c *Counts) change(change func()) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	change()
}

func (c *Counts) shaken(id peer.ID, err error) {
	c.change(func() {
		c.of(id).Hands = "ok"
		if err != nil {
			c.of(id).Hands = err.Error()
		}
	})
}

// What follows is pubsub.RawTracer.

func (c *Counts) AddPeer(id peer.ID, p protocol.ID) {
	c.change(func() { c.of(id).Protocol = string(p) })
}
func (c *Counts) RemovePeer(id peer.ID)            { c.change(func() { clear(c.of(id).mesh) }) }
func (c *Counts) Graft(id peer.ID, topic string)   { c.change(func() { c.of(id).mesh[topic] = true }) }
func (c *Counts) Prune(id peer.ID, topic string)   { c.change(func() { delete(c.of(id).mesh, topic) }) }
func (c *Counts) DeliverMessage(*pubsub.Message)    { c.change(func() { c.delivered++ }) }
func (c *Counts) DuplicateMessage(*pubsub.Message) { c.change(func() { c.duplicates++ }) }
func (c *Counts) DropRPC(*pubsub.RPC, peer.ID)     { c.change(func() { c.dropped++ }) }
func (c *Counts) UndeliverableMessage(*pubsub.Message) {
	c.change(func() { c.unheard++ })
}

func (c *Counts) RejectMessage(_ *pubsub.Message, reason string) {
	c.change(func() { c.rejected[reason]++ })
}

// Came counts an RPC of a peer; the tracer's own call does not say whose it is.
func (c *Counts) Came(id peer.ID, rpc *pubsub.RPC) error {
	c.change(func() { c.of(id).In.add(rpc) })
	return nil
}

func (c *Counts) SendRPC(rpc *pubsub.RPC, id peer.ID) {
	c.change(func() { c.of(id).Out.add(rpc) })
}

func (c *Counts) RecvRPC(*pubsub.RPC)             {}
func (c *Counts) Join(string)                     {}
func (c *Counts) Leave(string)                    {}
func (c *Counts) ValidateMessage(*pubsub.Message) {}
func (c *Counts) ThrottlePeer(peer.ID)            {}
