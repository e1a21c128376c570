package clouds

import (
	"context"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // failures are what is tested here
	goleak.VerifyTestMain(m)
}

// store is a key-value store in memory.
type store struct {
	mu      sync.Mutex
	entries map[string]sdk.Stored
	version int64
}

func newStore() *store { return &store{entries: map[string]sdk.Stored{}} }

func (s *store) Get(_ context.Context, key string) (sdk.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, there := s.entries[key]
	if !there {
		return found, apierror.NotFoundf("no key %q", key)
	}
	return found, nil
}

func (s *store) Put(_ context.Context, key string, data []byte, options ...sdk.PutOptions) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(options) > 0 && options[0].IfVersion != nil && *options[0].IfVersion != s.entries[key].Version {
		return 0, apierror.Conflictf("key %q has another version", key)
	}
	s.version++
	s.entries[key] = sdk.Stored{Data: slices.Clone(data), Version: s.version}
	return s.version, nil
}

func (s *store) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	return nil
}

func (s *store) Keys(_ context.Context, prefix string) iter.Seq2[string, error] {
	s.mu.Lock()
	keys := slices.Sorted(maps.Keys(s.entries))
	s.mu.Unlock()
	return func(yield func(string, error) bool) {
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

// text is all that the store holds.
func (s *store) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, one := range s.entries {
		b.Write(one.Data)
	}
	return b.String()
}
