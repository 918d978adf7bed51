package audit

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"filippo.io/edwards25519"
)

// signer signs as note.NewSigner's does with the same key, to the byte: an
// Ed25519 signature is no matter of chance. crypto/ed25519 makes tables of the
// base point at its first use, which take longer than all else that a short
// session does; this one multiplies without them, as much in constant time.
type signer struct {
	name   string
	hash   uint32
	scalar *edwards25519.Scalar
	prefix []byte // what a message's nonce is made of, beside the message
	public []byte
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
	if err != nil || kerr != nil || len(key) != 33 || key[0] != algEd25519 {
		return nil, errNoKey
	}
	h := sha512.Sum512(key[1:])
	scalar, err := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	if err != nil {
		return nil, err
	}
	s := &signer{name: f[2], hash: uint32(hash), scalar: scalar, prefix: h[32:], public: times(scalar)}
	id := sha256.Sum256(append([]byte(s.name+"\n\x01"), s.public...))
	if binary.BigEndian.Uint32(id[:]) != s.hash {
		return nil, errNoKey
	}
	return s, nil
}

// times is the base point that often.
func times(n *edwards25519.Scalar) []byte {
	return new(edwards25519.Point).ScalarMult(n, edwards25519.NewGeneratorPoint()).Bytes()
}

// Name is the key's name.
func (s *signer) Name() string { return s.name }

// KeyHash tells it from others of that name.
func (s *signer) KeyHash() uint32 { return s.hash }

// Sign is RFC 8032, section 5.1.6.
func (s *signer) Sign(msg []byte) ([]byte, error) {
	r, err := scalarOf(s.prefix, msg)
	if err != nil {
		return nil, err
	}
	point := times(r)
	k, err := scalarOf(point, s.public, msg)
	if err != nil {
		return nil, err
	}
	return append(point, edwards25519.NewScalar().MultiplyAdd(k, s.scalar, r).Bytes()...), nil
}

// scalarOf is the SHA-512 of the parts, one behind the other, as a scalar.
func scalarOf(parts ...[]byte) (*edwards25519.Scalar, error) {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	return edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
}
