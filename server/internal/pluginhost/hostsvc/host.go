package hostsvc

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/time/rate"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// host is what the services of one start share.
type host struct {
	plugin  manifest.ID
	needs   manifest.Needs
	backend Backend
	log     *slog.Logger
	now     func() time.Time
	redact  *redactor
	records *rate.Limiter // audit records
	lines   *rate.Limiter // log records
}

const (
	recordsPerSecond, recordsBurst = 20, 200
	linesPerSecond, linesBurst     = 200, 2000
)

func newHost(o Options) *host {
	return &host{
		plugin: o.Plugin, needs: o.Needs, backend: o.Backend, log: o.Logger, now: o.Now, redact: &redactor{outer: o.Redact},
		records: rate.NewLimiter(recordsPerSecond, recordsBurst), lines: rate.NewLimiter(linesPerSecond, linesBurst),
	}
}

func absent(what string) error {
	return apierror.Newf(apierror.NotImplemented, "This host offers no %s", what)
}

// Limits of what stands in messages.
const (
	maxKey   = 512
	maxValue = 256 << 10 // with its key
	maxName  = 200
	maxRef   = 1024
)

// checkKey is the rule for keys and names of locks: text that both databases keep as it is and that people can read.
func checkKey(what, key string, limit int) error {
	switch {
	case key == "" || len(key) > limit:
		return apierror.Inputf("%s must be 1 to %d bytes long, this one has %d", what, limit, len(key))
	case !utf8.ValidString(key):
		return apierror.Inputf("%s must be valid UTF-8", what)
	case strings.ContainsFunc(key, unicode.IsControl):
		return apierror.Inputf("%s must hold no control characters", what)
	}
	return nil
}

func checkValue(key string, value []byte) error {
	if err := checkKey("the key", key, maxKey); err != nil {
		return err
	}
	if n := len(key) + len(value); n > maxValue {
		return apierror.Inputf("The value under %s and its key have %d bytes, at most %d are kept; split it", plain(key), n, maxValue)
	}
	return nil
}

// lifetime reads a time to live; unset is 0, for ever.
func lifetime(d *durationpb.Duration) (time.Duration, error) {
	if d == nil {
		return 0, nil
	}
	if err := d.CheckValid(); err != nil || d.AsDuration() <= 0 {
		return 0, apierror.Inputf("ttl must be a duration above 0")
	}
	return d.AsDuration(), nil
}

// redactor removes secrets from text: those that the host knows of, and those that this start asked for.
type redactor struct {
	outer func(string) string

	mu    sync.RWMutex
	known map[string]bool
	inner *strings.Replacer // nil = none
}

// minSecret is the shortest secret that is looked for: shorter ones would be found everywhere.
const minSecret = 4

func (r *redactor) learn(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(secret) < minSecret || r.known[secret] {
		return
	}
	const remembered = 100 // a secret that rotates must not grow the list for ever
	if r.known == nil || len(r.known) >= remembered {
		r.known = map[string]bool{}
	}
	r.known[secret] = true
	longestFirst := slices.SortedFunc(maps.Keys(r.known), func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(longestFirst))
	for _, s := range longestFirst {
		pairs = append(pairs, s, "[secret]")
	}
	r.inner = strings.NewReplacer(pairs...)
}

func (r *redactor) text(s string) string {
	if r.outer != nil {
		s = r.outer(s)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.inner != nil {
		s = r.inner.Replace(s)
	}
	return s
}

// value is a decoded JSON value without secrets.
func (r *redactor) value(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.value(v[i])
		}
	case map[string]any:
		return r.members(v)
	}
	return v
}

func (r *redactor) members(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[r.text(k)] = r.value(v)
	}
	return out
}
