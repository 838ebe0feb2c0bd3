// A libp2p process for tests: several peers with the settings of a Go SSV node, told what to do line by line.
//
// A request is a line of JSON, {"id": 1, "do": "open", …}; its answer is one, {"id": 1, "result": …} or
// {"id": 1, "error": "…"}. Answers come in the order in which things are done. The process ends with its input.
// Everything listens and dials on loopback only.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

type request struct {
	ID   int    `json:"id"`
	Do   string `json:"do"`
	Peer int    `json:"peer"`
	Open
	Publication
	Address string `json:"address"`
}

type answer struct {
	ID     int    `json:"id"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

type process struct {
	mutex sync.Mutex
	peers []*Peer
	out   *json.Encoder
}

func main() {
	p := &process{out: json.NewEncoder(os.Stdout)}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "input:", err)
			os.Exit(1)
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			fmt.Fprintln(os.Stderr, "request:", err)
			os.Exit(1)
		}
		go p.serve(r)
	}
}

func (p *process) serve(r request) {
	result, err := p.do(r)
	a := answer{ID: r.ID, Result: result}
	if err != nil {
		a.Error = err.Error()
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err := p.out.Encode(a); err != nil {
		os.Exit(1)
	}
}

func (p *process) do(r request) (any, error) {
	if r.Do == "open" {
		return p.open(r.Open)
	}
	peer, err := p.peer(r.Peer)
	if err != nil {
		return nil, err
	}
	switch r.Do {
	case "connect":
		return nil, peer.connect(r.Address)
	case "publish":
		return nil, peer.publish(r.Publication)
	case "received":
		return peer.received(), nil
	case "report":
		return peer.counts.report(), nil
	case "close":
		return nil, peer.close()
	}
	return nil, fmt.Errorf("cannot do %q", r.Do)
}

func (p *process) peer(number int) (*Peer, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if number < 0 || number >= len(p.peers) {
		return nil, fmt.Errorf("no peer %d", number)
	}
	return p.peers[number], nil
}

func (p *process) open(o Open) (any, error) {
	peer, err := open(o)
	if err != nil {
		return nil, err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.peers = append(p.peers, peer)
	return map[string]any{"peer": len(p.peers) - 1, "peer_id": peer.host.ID().String(), "address": peer.address()}, nil
}
