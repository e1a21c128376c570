package manifest

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/config"
)

const (
	minMemory  = Size(16 << 20)
	maxRequest = time.Hour
	maxText    = 4096
	maxNames   = 256
)

// decoder reads YAML nodes and collects every rule that they break. Each of its reading methods reports problems itself;
// those with a result say whether the value can be used.
type decoder struct {
	file     string
	problems Errors
	lines    map[string]int
}

// field is one key that an object may have.
type field struct {
	key  string
	need bool
	read func(n *yaml.Node, at string)
}

type fields []field

const (
	optional = false
	required = true
)

func (d *decoder) failf(n *yaml.Node, at, format string, args ...any) {
	d.problems = append(d.problems, &Error{File: d.file, Line: n.Line, Path: at, Rule: fmt.Sprintf(format, args...)})
}

func (d *decoder) object(n *yaml.Node, at string, known fields) {
	if !d.kind(n, at, yaml.MappingNode, "must be an object with keys and values") {
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		k := slices.IndexFunc(known, func(f field) bool { return f.key == name })
		switch {
		case key.Kind != yaml.ScalarNode || k < 0:
			d.failf(key, at, "%s", unknownKey(name, known))
		case seen[name]:
			d.failf(key, below(at, name), "stands here twice")
		default:
			seen[name] = true
			d.lines[below(at, name)] = key.Line
			known[k].read(value, below(at, name))
		}
	}
	for _, f := range known {
		if f.need && !seen[f.key] {
			d.failf(n, below(at, f.key), "is missing")
		}
	}
}

func below(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// unknownKey names the key and the nearest that is known, or all when none is near.
func unknownKey(name string, known fields) string {
	keys := make([]string, len(known))
	for i, f := range known {
		keys[i] = f.key
	}
	name = excerpt.Short(name)
	best, least := "", len(name)/2+1
	for _, key := range keys {
		if n := config.EditDistance(strings.ToLower(name), strings.ToLower(key)); n < least {
			best, least = key, n
		}
	}
	if best != "" {
		return fmt.Sprintf("unknown key %q; did you mean %q?", name, best)
	}
	return fmt.Sprintf("unknown key %q; known are %s", name, strings.Join(keys, ", "))
}

func (d *decoder) kind(n *yaml.Node, at string, kind yaml.Kind, rule string) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.failf(n, at, "anchors and aliases are not part of the format; write the value out")
		return false
	case n.Kind != kind:
		d.failf(n, at, "%s", rule)
		return false
	}
	return true
}

func (d *decoder) has(n *yaml.Node, key string) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (d *decoder) scalar(n *yaml.Node, at, rule string, tags ...string) bool {
	if !d.kind(n, at, yaml.ScalarNode, rule) {
		return false
	}
	if !slices.Contains(tags, n.ShortTag()) {
		if tags[0] == "!!str" && n.Style == 0 {
			rule += "; put it in quotes"
		}
		d.failf(n, at, "%s", rule)
		return false
	}
	return true
}

func (d *decoder) text(n *yaml.Node, at string, to *string) bool {
	if !d.scalar(n, at, "must be a text", "!!str") {
		return false
	}
	if n.Value == "" || len(n.Value) > maxText {
		d.failf(n, at, "must be a text of 1 to %d bytes", maxText)
		return false
	}
	*to = n.Value
	return true
}

// line is a text that is shown as a label.
func (d *decoder) line(n *yaml.Node, at string, to *string) {
	var s string
	if !d.text(n, at, &s) {
		return
	}
	if len(s) > 200 || strings.ContainsFunc(s, unicode.IsControl) {
		d.failf(n, at, "must be one line of at most 200 bytes")
		return
	}
	*to = s
}

func (d *decoder) list(n *yaml.Node, at string, limit int, read func(n *yaml.Node, at string)) {
	if !d.kind(n, at, yaml.SequenceNode, "must be a list") {
		return
	}
	if len(n.Content) > limit {
		d.failf(n, at, "must have at most %d items", limit)
		return
	}
	for i, item := range n.Content {
		read(item, at+"["+strconv.Itoa(i)+"]")
	}
}

// strings reads a list without repetitions, each item as clean says.
func (d *decoder) strings(n *yaml.Node, at string, to *[]string, clean func(string) (string, error)) {
	d.list(n, at, maxNames, func(n *yaml.Node, at string) {
		var s string
		if !d.text(n, at, &s) {
			return
		}
		cleaned, err := clean(s)
		switch {
		case err != nil:
			d.failf(n, at, "%q: %v", excerpt.Short(s), err)
		case slices.Contains(*to, cleaned):
			d.failf(n, at, "%q stands here twice", excerpt.Short(s))
		default:
			*to = append(*to, cleaned)
		}
	})
}

// nameForm takes every name that Backstage or a plugin gives: "projects", "sentry:release:create", "sentry.issue.read",
// "IS_TEAM_PROJECT", "sentry.io/project-slug".
var nameForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._:/@-]{0,127}$`)

func (d *decoder) names(to *[]string) func(n *yaml.Node, at string) {
	return func(n *yaml.Node, at string) {
		d.strings(n, at, to, func(s string) (string, error) {
			if !nameForm.MatchString(s) {
				return "", errors.New("must be a name: letters, digits and . _ : / @ -, beginning with a letter")
			}
			return s, nil
		})
	}
}

// routes are paths below the plugin's prefix, in the one form that a comparison by segments is safe for.
func (d *decoder) routes(n *yaml.Node, at string, to *[]string) {
	d.strings(n, at, to, func(s string) (string, error) { return s, checkRoute(s) })
}

var routeForm = regexp.MustCompile(`^/[A-Za-z0-9._~!$&'()+,;=:@/-]*$`)

func checkRoute(s string) error {
	switch {
	case !routeForm.MatchString(s):
		return errors.New("must be a path that begins with a slash, without escapes, asterisks or a query")
	case s != "/" && path.Clean(s) != s:
		return errors.New("must not have empty or dot segments, or end with a slash")
	}
	return nil
}

func (d *decoder) localFile(n *yaml.Node, at string, to *string) bool {
	var s string
	if !d.text(n, at, &s) {
		return false
	}
	if err := checkLocal(s); err != nil {
		d.failf(n, at, "%v", err)
		return false
	}
	*to = path.Clean(s)
	return true
}

// checkLocal takes paths that stay in the plugin's folder by their text. That links do not lead out of it is for os.Root
// to keep, at each use.
func checkLocal(s string) error {
	switch {
	case strings.ContainsFunc(s, func(r rune) bool { return r == '\\' || r == ':' || unicode.IsControl(r) }):
		return errors.New("must be a path with forward slashes and without colons and control characters")
	case path.IsAbs(s):
		return errors.New("must be a path inside the plugin's folder, not an absolute one")
	case slices.Contains(strings.Split(s, "/"), ".."):
		return errors.New(`must be a path inside the plugin's folder; ".." leads out of it`)
	case path.Clean(s) == ".":
		return errors.New("must name a file")
	}
	return nil
}

func (d *decoder) semverRange(n *yaml.Node, at string, to *string) {
	if !d.text(n, at, to) {
		return
	}
	if _, err := semver.NewConstraint(*to); err != nil || len(*to) > 200 {
		d.failf(n, at, `must be a range of versions such as ">=1 <2"`)
	}
}

func (d *decoder) boolean(n *yaml.Node, at string, to *bool) {
	if d.scalar(n, at, "must be true or false", "!!bool") {
		if err := n.Decode(to); err != nil {
			d.failf(n, at, "must be true or false")
		}
	}
}

func (d *decoder) size(n *yaml.Node, at string, to *Size) bool {
	if !d.scalar(n, at, errSize.Error(), "!!str", "!!int") {
		return false
	}
	size, err := ParseSize(n.Value)
	if err != nil {
		d.failf(n, at, "%v", err)
		return false
	}
	*to = size
	return true
}

func (d *decoder) number(n *yaml.Node, at string, least, most float64, to *float64) {
	var v float64
	if !d.scalar(n, at, "must be a number", "!!float", "!!int") {
		return
	}
	if err := n.Decode(&v); err != nil || !(v >= least && v <= most) {
		d.failf(n, at, "must be a number from %v to %v", least, most)
		return
	}
	*to = v
}

func (d *decoder) count(n *yaml.Node, at string, least, most int, to *int) {
	var v int
	if !d.scalar(n, at, "must be a whole number", "!!int") {
		return
	}
	if err := n.Decode(&v); err != nil || v < least || v > most {
		d.failf(n, at, "must be a whole number from %d to %d", least, most)
		return
	}
	*to = v
}

func (d *decoder) duration(n *yaml.Node, at string, most time.Duration, to *time.Duration) {
	if !d.scalar(n, at, `must be a duration such as "30s"`, "!!str") {
		return
	}
	v, err := time.ParseDuration(n.Value)
	if err != nil || v <= 0 || v > most {
		d.failf(n, at, `must be a duration such as "30s", at most %s`, most)
		return
	}
	*to = v
}
