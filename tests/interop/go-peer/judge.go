package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

// A judge verifies the operators' signatures, of which each SignedSSVMessage here has one, and rejects what has none.
type judge map[uint64]*rsa.PublicKey

const (
	signatureBytes = 256
	fixedPart      = 16
)

func newJudge(operators map[uint64]string) (judge, error) {
	j := judge{}
	for id, text := range operators {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return nil, fmt.Errorf("operator %d has no PEM", id)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		public, ok := key.(*rsa.PublicKey)
		if !ok {
			return nil, fmt.Errorf("operator %d has no RSA key", id)
		}
		j[id] = public
	}
	return j, nil
}

func (j judge) validate(_ context.Context, _ peer.ID, message *pubsub.Message) pubsub.ValidationResult {
	if len(j) > 0 && !j.good(message.Data) {
		return pubsub.ValidationReject
	}
	return pubsub.ValidationAccept
}

// good reads the SSZ container {signatures, operator ids, message, full data}: four offsets, then the four parts.
func (j judge) good(data []byte) bool {
	if len(data) < fixedPart {
		return false
	}
	var at [5]int
	for i := range 4 {
		at[i] = int(binary.LittleEndian.Uint32(data[4*i:]))
	}
	at[4] = len(data)
	if at[0] != fixedPart {
		return false
	}
	for i := range 4 {
		if at[i] > at[i+1] {
			return false
		}
	}
	signatures, ids, content := data[at[0]:at[1]], data[at[1]:at[2]], data[at[2]:at[3]]
	if len(signatures) != 4+signatureBytes || len(ids) != 8 {
		return false
	}
	key := j[binary.LittleEndian.Uint64(ids)]
	if key == nil {
		return false
	}
	digest := sha256.Sum256(content)
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signatures[4:]) == nil
}
