package secret_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

func sealer(t *testing.T, keys ...string) *secret.Sealer {
	t.Helper()
	var all [][]byte
	for _, k := range keys {
		all = append(all, []byte(k))
	}
	s, err := secret.NewSealer(all...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealer_OpensWhatItSealedAtItsPlaceOnly(t *testing.T) {
	s := sealer(t, "a key of some length")
	sealed := s.Seal([]byte("hush"), "secrets of task 1")
	if bytes.Contains(sealed, []byte("hush")) || bytes.Equal(sealed, s.Seal([]byte("hush"), "secrets of task 1")) {
		t.Error("a seal shows what is in it, or that two are the same")
	}
	if plain, err := s.Open(sealed, "secrets of task 1"); err != nil || string(plain) != "hush" {
		t.Errorf("%q, %v", plain, err)
	}
	if _, err := s.Open(sealed, "secrets of task 2"); !errors.Is(err, secret.ErrBroken) {
		t.Errorf("at another place: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.Open(changed, "secrets of task 1"); err == nil {
			t.Errorf("byte %d changed, and it opens", i)
		}
		if _, err := s.Open(sealed[:i], "secrets of task 1"); err == nil {
			t.Errorf("cut to %d bytes, and it opens", i)
		}
	}
}

func TestSealer_KeysAreReplacedWithoutLosingWhatIsSealed(t *testing.T) {
	before, between, after := sealer(t, "the first of keys"), sealer(t, "the second of keys", "the first of keys"), sealer(t, "the second of keys")
	old, young := before.Seal([]byte("old"), "x"), between.Seal([]byte("young"), "x")
	if plain, err := between.Open(old, "x"); err != nil || string(plain) != "old" {
		t.Errorf("%q, %v", plain, err)
	}
	if plain, err := after.Open(young, "x"); err != nil || string(plain) != "young" {
		t.Errorf("the first key does not seal: %q, %v", plain, err)
	}
	_, err := after.Open(old, "x")
	if !errors.Is(err, secret.ErrOtherKey) || !strings.Contains(err.Error(), "callboard.secrets.keys") {
		t.Errorf("a key that is gone: %v", err)
	}
}

func TestSealerFromConfig_TakesTheKeysInTheirOrder(t *testing.T) {
	const own, shared = "callboard: {secrets: {keys: [a key of some length]}}\n", "backend: {auth: {keys: [{secret: another key of some length}]}}\n"
	dir := t.TempDir()
	open := func(yaml string) *secret.Sealer {
		t.Helper()
		s, err := secret.SealerFromConfig(config.FromYAML(yaml).Root(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, c := range map[string]struct{ yaml, key string }{
		"its own keys come first":  {own + shared, "a key of some length"},
		"else those of tokens":     {shared, "another key of some length"},
		"its own keys, and no one": {own, "a key of some length"},
	} {
		if _, err := open(c.yaml).Open(sealer(t, c.key).Seal([]byte("x"), "p"), "p"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, secret.KeyFile)); err == nil {
		t.Error("a key was made although there is one")
	}
}

func TestSealerFromConfig_WithoutAKeyOneIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	sealers := make([]*secret.Sealer, 8)
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() {
			s, err := secret.SealerFromConfig(config.FromYAML("{}").Root(), dir)
			if err != nil {
				t.Error(err)
			}
			sealers[i] = s
		})
	}
	wg.Wait()
	sealed := sealers[0].Seal([]byte("x"), "p")
	for i, s := range sealers {
		if _, err := s.Open(sealed, "p"); err != nil {
			t.Errorf("process %d has another key: %v", i, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, secret.KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("leftovers: %v", entries)
	}
}

func TestSealerFromConfig_SaysWhatIsWrongWithAKey(t *testing.T) {
	cfg := config.FromYAML("callboard: {secrets: {keys: [short]}}")
	if _, err := secret.SealerFromConfig(cfg.Root(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "at least 16") || cfg.Err() == nil {
		t.Errorf("got %v, problems %v", err, cfg.Err())
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, secret.KeyFile), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.SealerFromConfig(config.FromYAML("{}").Root(), dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("an empty key file: %v", err)
	}
}
