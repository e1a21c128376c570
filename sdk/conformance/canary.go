package conformance

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
)

// canaries are texts that stand where a plugin must not carry them away from: secrets in its settings, variables and files
// that are not its own. Whatever the plugin says is searched for them.
type canaries struct {
	mu   sync.Mutex
	all  []canary
	seen []sighting
}

type canary struct {
	kind canaryKind
	text string
}

type canaryKind string

const (
	secretCanary      canaryKind = "secret"
	environmentCanary canaryKind = "environment"
	fileCanary        canaryKind = "file"
	forgedCanary      canaryKind = "forged"
)

type sighting struct {
	kind  canaryKind
	where string
}

// hatch makes a text that occurs nowhere else.
func (c *canaries) hatch(kind canaryKind) string {
	text := "canary" + strings.ToLower(rand.Text()[:16])
	c.add(kind, text)
	return text
}

func (c *canaries) add(kind canaryKind, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text != "" && !slices.Contains(c.all, canary{kind, text}) {
		c.all = append(c.all, canary{kind, text})
	}
}

// look searches data, which came from where.
func (c *canaries) look(where string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		if s := (sighting{one.kind, where}); bytes.Contains(data, []byte(one.text)) && !slices.Contains(c.seen, s) && len(c.seen) < 100 {
			c.seen = append(c.seen, s)
		}
	}
}

// sightings of one kind, in the order in which they were made.
func (c *canaries) sightings(kind canaryKind) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var where []string
	for _, s := range c.seen {
		if s.kind == kind {
			where = append(where, s.where)
		}
	}
	return where
}

// clean takes canaries out of a text for people: the secrets may be real ones, given as settings.
func (c *canaries) clean(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		text = strings.ReplaceAll(text, one.text, "["+string(one.kind)+"]")
	}
	return text
}
