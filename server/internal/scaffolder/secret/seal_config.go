package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
)

// KeyFile is the file in the host's data directory that holds a key of its own making, for a host that was given none.
const KeyFile = "seal.key"

// SealerFromConfig takes the keys from callboard.secrets.keys, else from the first of backend.auth.keys, which replicas
// share too, else from [KeyFile] in dataDir, which is made when it is missing: replicas do not share that one.
// Mistakes in the configuration are reported to root.
func SealerFromConfig(root *config.Section, dataDir string) (*Sealer, error) {
	if keys := root.Strings("callboard.secrets.keys"); len(keys) > 0 {
		return sealerOf(root, "callboard.secrets.keys", keys...)
	}
	for _, key := range root.Sections("backend.auth.keys") {
		if text := key.String("secret", ""); text != "" {
			return sealerOf(root, "backend.auth.keys", text)
		}
	}
	key, err := keyFromFile(dataDir)
	if err != nil {
		return nil, err
	}
	return NewSealer(key)
}

func sealerOf(root *config.Section, path string, texts ...string) (*Sealer, error) {
	keys := make([][]byte, len(texts))
	for i, text := range texts {
		keys[i] = []byte(text)
	}
	s, err := NewSealer(keys...)
	if err != nil {
		root.Problem(path, err.Error())
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// keyFromFile reads the key, or makes it. Of several processes that make it at once one wins, and all have its key.
func keyFromFile(dir string) ([]byte, error) {
	path := filepath.Join(dir, KeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKeyFile(dir, path); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the key that seals secrets: %w; make the folder writable, or set callboard.secrets.keys", err)
	}
	key := strings.TrimSpace(string(text))
	if len(key) < MinKeyBytes {
		return nil, fmt.Errorf("the key that seals secrets: %s has %d bytes, and needs at least %d", path, len(key), MinKeyBytes)
	}
	return []byte(key), nil
}

// makeKeyFile writes the whole key beside its place and links it there, so that nobody reads half of it.
func makeKeyFile(dir, path string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	f, err := os.CreateTemp(dir, KeyFile+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a leftover is harmless, and never read
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
