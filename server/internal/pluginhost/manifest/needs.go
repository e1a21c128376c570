package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/origin"
)

// Beyond says what these needs ask for beyond what was approved, one sentence each, for an administrator. It is empty
// when nothing more is asked, which includes asking for less. A broader word covers a narrower one: an approved
// "https://*.example.com:443" covers "https://eu.example.com:443".
func (n Needs) Beyond(approved Needs) []string {
	var more []string
	add := func(format string, args ...any) { more = append(more, fmt.Sprintf(format, args...)) }

	for _, word := range missing(n.Catalog, approved.Catalog) {
		add("It may %s.", map[string]string{
			"read":      "read every entity of the catalog",
			"write-own": "add, change and remove the entities that it provides to the catalog itself",
			"refresh":   "ask the catalog to read entities again",
		}[word])
	}
	for range missing(n.Scaffolder, approved.Scaffolder) {
		add("It may read and change the files of the scaffolder tasks that its actions are steps of.")
	}
	for _, dest := range n.Egress {
		if !covered(dest, approved.Egress) {
			add("It may send requests to %s.", describeEgress(dest))
		}
	}
	if n.Storage.KV > approved.Storage.KV {
		add("It may store up to %s of keys and values in the host's database%s.", n.Storage.KV, before(approved.Storage.KV))
	}
	if n.Storage.Files > approved.Storage.Files {
		add("It may store up to %s of files%s.", n.Storage.Files, before(approved.Storage.Files))
	}
	for _, secret := range missing(n.Secrets, approved.Secrets) {
		add("It receives the secret setting %q.", secret)
	}
	for _, id := range missing(n.Plugins, approved.Plugins) {
		add("It may call %q with a token of its own.", id)
	}
	for _, topic := range missing(n.Events.Publish, approved.Events.Publish) {
		add("It may publish events on the topic %q.", topic)
	}
	if n.OnBehalfOf && !approved.OnBehalfOf {
		add("It may act for the user who calls it, with a limited token of that user.")
	}
	if n.Permission && !approved.Permission {
		add("It may ask what a user is allowed to do.")
	}
	return append(more, n.Limits.beyond(approved.Limits)...)
}

// beyond compares with defaults filled in: asking for the default explicitly is asking for nothing.
func (l Limits) beyond(approved Limits) []string {
	l, approved = l.WithDefaults(), approved.WithDefaults()
	var more []string
	if l.Memory > approved.Memory {
		more = append(more, fmt.Sprintf("It may use up to %s of memory (approved: %s).", l.Memory, approved.Memory))
	}
	if l.CPU > approved.CPU {
		more = append(more, fmt.Sprintf("It may use up to %g processors (approved: %g).", l.CPU, approved.CPU))
	}
	if l.Processes > approved.Processes {
		more = append(more, fmt.Sprintf("It may run up to %d processes and threads (approved: %d).", l.Processes, approved.Processes))
	}
	if l.OpenFiles > approved.OpenFiles {
		more = append(more, fmt.Sprintf("It may hold up to %d files open (approved: %d).", l.OpenFiles, approved.OpenFiles))
	}
	if l.RequestTimeout > approved.RequestTimeout {
		more = append(more, fmt.Sprintf("A request to it may take up to %s (approved: %s).", l.RequestTimeout, approved.RequestTimeout))
	}
	if l.RequestBody > approved.RequestBody {
		more = append(more, fmt.Sprintf("A request to it may have a body of up to %s (approved: %s).", l.RequestBody, approved.RequestBody))
	}
	return more
}

// BeyondHTTP says which routes are open to callers without full credentials beyond those approved.
func (m *Manifest) BeyondHTTP(approved HTTP) []string {
	if m.Provides.HTTP == nil {
		return nil
	}
	var more []string
	for _, path := range m.Provides.HTTP.Unauthenticated {
		if !routeCovered(path, approved.Unauthenticated) {
			more = append(more, fmt.Sprintf("Anybody may call /api/%s%s and what is below it, without signing in.", m.ID, strings.TrimSuffix(path, "/")))
		}
	}
	for _, path := range m.Provides.HTTP.UserCookie {
		if !routeCovered(path, approved.UserCookie) && !routeCovered(path, approved.Unauthenticated) {
			more = append(more, fmt.Sprintf("A user's cookie is enough to call /api/%s%s and what is below it.", m.ID, strings.TrimSuffix(path, "/")))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.Provides.HTTP.Facades)) {
		if path := m.Provides.HTTP.Facades[id]; approved.Facades[id] != path {
			more = append(more, fmt.Sprintf("It answers at /api/%s as well, as at /api/%s%s.", id, m.ID, path))
		}
	}
	return more
}

func missing(want, have []string) []string {
	var out []string
	for _, w := range want {
		if !slices.Contains(have, w) {
			out = append(out, w)
		}
	}
	return out
}

// Destinations are all places that the plugin may send requests to with these settings.
func (n Needs) Destinations(settings map[string]any) []string {
	var all []string
	for _, entry := range n.Egress {
		if strings.HasPrefix(entry, origin.Prefix) {
			all = append(all, origin.Named(entry, settings)...)
		} else {
			all = append(all, entry)
		}
	}
	return all
}

func covered(want string, approved []string) bool {
	if strings.HasPrefix(want, origin.Prefix) {
		return slices.Contains(approved, want)
	}
	w, err := ParseDestination(want)
	return err == nil && slices.ContainsFunc(approved, func(a string) bool {
		d, err := ParseDestination(a)
		return err == nil && d.Covers(w)
	})
}

func describeEgress(text string) string {
	if pointer, ok := strings.CutPrefix(text, origin.Prefix); ok {
		return "the servers that you name in its settings, at " + pointer
	}
	d, err := ParseDestination(text)
	if err != nil {
		return fmt.Sprintf("%q", text)
	}
	where := d.Host
	if name, wild := strings.CutPrefix(d.Host, "*."); wild {
		where = "every host below " + name
	}
	what := "encrypted"
	if d.Scheme == "http" {
		what = "not encrypted"
	}
	return fmt.Sprintf("%s on port %d (%s)", where, d.Port, what)
}

func before(s Size) string {
	if s == 0 {
		return ""
	}
	return fmt.Sprintf(" (approved: %s)", s)
}

// routeCovered tells whether path is one of prefixes or below one, on the border of a segment.
func routeCovered(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return p == "/" || path == p || strings.HasPrefix(path, p+"/")
	})
}
