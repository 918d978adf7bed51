package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/cloudflare/circl/sign/ed25519"
)

// signer signs as note.NewSigner's does with the same key, to the byte: an
// Ed25519 signature is no matter of chance. The standard library's makes tables
// of the base point at its first use, which take longer than all else that a
// short session does; CIRCL's stand in the program.
type signer struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
}

// algEd25519 is the first byte of the keys that package note writes.
const algEd25519 = 1

var errNoKey = errors.New("not a signing key")

// newSigner reads a key as note.GenerateKey writes it.
func newSigner(skey string) (*signer, error) {
	f := strings.SplitN(skey, "+", 5) // the last may hold a + itself
	if len(f) != 5 || f[0] != "PRIVATE" || f[1] != "KEY" {
		return nil, errNoKey
	}
	hash, err := strconv.ParseUint(f[3], 16, 32)
	key, kerr := base64.StdEncoding.DecodeString(f[4])
	if err != nil || kerr != nil || len(key) != 1+ed25519.SeedSize || key[0] != algEd25519 {
		return nil, errNoKey
	}
	s := &signer{name: f[2], hash: uint32(hash), key: ed25519.NewKeyFromSeed(key[1:])}
	id := sha256.Sum256(append([]byte(s.name+"\n\x01"), s.public()...))
	if binary.BigEndian.Uint32(id[:]) != s.hash {
		return nil, errNoKey
	}
	return s, nil
}

// public is the half of the key by which others check.
func (s *signer) public() []byte { return s.key[ed25519.SeedSize:] }

// Name is the key's name.
func (s *signer) Name() string { return s.name }

// KeyHash tells it from others of that name.
func (s *signer) KeyHash() uint32 { return s.hash }

// Sign signs the text of a note.
func (s *signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }
