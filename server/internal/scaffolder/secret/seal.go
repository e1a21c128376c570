package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// MinKeyBytes is the least that a key must have before it is stretched.
const MinKeyBytes = 16

// ErrOtherKey is what opening fails with when no key of the sealer made the seal.
var ErrOtherKey = errors.New("it was sealed with a key that this host does not have")

// ErrBroken is what opening fails with when a value is not what was sealed, or not where it was put.
var ErrBroken = errors.New("it was changed, or is not where it was put")

// A sealed value is a version, the first bytes of the key's hash, a nonce, and AES-256-GCM's output.
const (
	sealVersion = 1
	keyIDBytes  = 4
	headerBytes = 1 + keyIDBytes
	nonceBytes  = 12
)

// Sealer keeps values closed where they rest. The first key seals, all of them open, so that a key is replaced by putting
// a new one before it. It is safe for concurrent use.
//
// Nonces are random, so one key may seal 2^32 values; a host that writes a thousand a second has fifty days, and rotates
// its keys before that.
type Sealer struct{ keys []sealKey }

type sealKey struct {
	id   [keyIDBytes]byte
	aead cipher.AEAD
}

// NewSealer makes a sealer of at least one key. Keys are secrets of any form with at least [MinKeyBytes] bytes.
func NewSealer(keys ...[]byte) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("a sealer needs a key")
	}
	s := &Sealer{keys: make([]sealKey, 0, len(keys))}
	for i, key := range keys {
		k, err := newSealKey(key)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

func newSealKey(key []byte) (sealKey, error) {
	if len(key) < MinKeyBytes {
		return sealKey{}, fmt.Errorf("it has %d bytes, and needs at least %d", len(key), MinKeyBytes)
	}
	stretched, err := hkdf.Key(sha256.New, key, nil, "callboard scaffolder seal", 32)
	if err != nil {
		return sealKey{}, err
	}
	block, err := aes.NewCipher(stretched)
	if err != nil {
		return sealKey{}, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return sealKey{}, err
	}
	hash := sha256.Sum256(stretched)
	return sealKey{id: [keyIDBytes]byte(hash[:]), aead: aead}, nil
}

// Seal closes plain. It opens only with the same place, which says what the value is and whose, such as "secrets of task 7".
func (s *Sealer) Seal(plain []byte, place string) []byte {
	key := s.keys[0]
	sealed := make([]byte, headerBytes+nonceBytes, headerBytes+nonceBytes+len(plain)+key.aead.Overhead())
	sealed[0] = sealVersion
	copy(sealed[1:], key.id[:])
	nonce := sealed[headerBytes:]
	_, _ = rand.Read(nonce) // never fails: the program ends where there is no randomness
	return key.aead.Seal(sealed, nonce, plain, associated(sealed, place))
}

// Open is what was sealed with that place. Its errors are [ErrOtherKey] or [ErrBroken], and say which key is missing.
func (s *Sealer) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) < headerBytes+nonceBytes || sealed[0] != sealVersion {
		return nil, fmt.Errorf("open the %s: %w", place, ErrBroken)
	}
	for _, key := range s.keys {
		if [keyIDBytes]byte(sealed[1:]) != key.id {
			continue
		}
		nonce, body := sealed[headerBytes:headerBytes+nonceBytes], sealed[headerBytes+nonceBytes:]
		plain, err := key.aead.Open(nil, nonce, body, associated(sealed, place))
		if err != nil {
			return nil, fmt.Errorf("open the %s: %w", place, ErrBroken)
		}
		return plain, nil
	}
	return nil, fmt.Errorf("open the %s: %w (key %s); put the old key after the new one in callboard.secrets.keys",
		place, ErrOtherKey, hex.EncodeToString(sealed[1:headerBytes]))
}

// associated binds a sealed value to its header and its place.
func associated(sealed []byte, place string) []byte {
	return append(append(make([]byte, 0, headerBytes+len(place)), sealed[:headerBytes]...), place...)
}
