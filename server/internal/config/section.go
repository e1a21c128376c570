package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// Section is a view of one object of the merged configuration. It is never nil: a missing object is an empty section,
// so features read optional keys without checks. Every problem found while reading (wrong type, bad duration) is kept
// in the [Config] it came from and reported together by [Config.Err]: the getter then returns its default.
//
// Keys may be dotted paths ("cors.origin"); a key that holds dots itself is found by its full name first. Strings that
// look like numbers or booleans are coerced as the reference does.
type Section struct {
	config *Config
	node   *node // nil = empty
	path   string
}

// Trial is the same section, whose problems are kept apart: those found so far are what problems returns. It is for parts
// that the host does without when they are wrong.
func (s *Section) Trial() (trial *Section, problems func() error) {
	apart := newConfig(s.config.root)
	return &Section{config: apart, node: s.node, path: s.path}, apart.Err
}

// Path is the full key of this section, such as "backend.cors" or "integrations.github[0]"; "" is the root.
func (s *Section) Path() string { return s.path }

// Has reports whether key is present and not null.
func (s *Section) Has(key string) bool { return s.find(key) != nil }

// String returns the string at key, or def. Numbers are not strings and an empty string is no value: as in the
// reference, both are problems.
func (s *Section) String(key, def string) string {
	n := s.find(key)
	switch {
	case n == nil:
		return def
	case n.kind != stringKind:
		s.reject(n, key, fmt.Sprintf("must be a string, got %s%s", n.kind, quoteHint(n)))
		return def
	case n.text == "":
		s.reject(n, key, "must not be an empty string; remove the key if there is no value")
		return def
	}
	return n.text
}

func quoteHint(n *node) string {
	if n.kind == numberKind || n.kind == boolKind {
		return "; put it in quotes"
	}
	return ""
}

// Int returns the whole number at key, or def.
func (s *Section) Int(key string, def int) int {
	n := s.find(key)
	if n == nil {
		return def
	}
	f, err := numberOf(n, key)
	if err == nil && !whole(f) {
		err = errors.New("must be a whole number")
	}
	if err != nil {
		s.reject(n, key, err.Error())
		return def
	}
	return int(f)
}

// Float returns the number at key, or def.
func (s *Section) Float(key string, def float64) float64 {
	n := s.find(key)
	if n == nil {
		return def
	}
	f, err := numberOf(n, key)
	if err != nil {
		s.reject(n, key, err.Error())
		return def
	}
	return f
}

// numberOf accepts numbers and strings that JavaScript's Number() accepts, except the empty one, which the reference
// reads as 0: an unset port must not become "any port".
func numberOf(n *node, key string) (float64, error) {
	if n.kind == numberKind {
		return n.number, nil
	}
	f, ok := jsvalue.ParseNumber(n.text)
	if n.kind != stringKind || strings.TrimSpace(n.text) == "" || !ok {
		return 0, errors.New("must be a number, got " + describe(n, key))
	}
	return f, nil
}

// describe names the type of a value, and the value when it is short and no secret.
func describe(n *node, key string) string {
	switch {
	case n.kind == stringKind && n.text == "":
		return "an empty string"
	case n.kind == stringKind && !n.secret && !secretKey(key) && len(n.text) <= 40 && maskText(n.text) == n.text:
		return fmt.Sprintf("string %q", n.text)
	default:
		return n.kind.String()
	}
}

// Bool returns the boolean at key, or def. y, yes, true, 1, on and their opposites count, in any case.
func (s *Section) Bool(key string, def bool) bool {
	n := s.find(key)
	if n == nil {
		return def
	}
	if n.kind == boolKind {
		return n.flag
	}
	text := strings.ToLower(strings.TrimSpace(n.text))
	if n.kind == numberKind {
		text = jsvalue.Number(n.number)
	}
	switch text {
	case "y", "yes", "true", "1", "on":
		return true
	case "n", "no", "false", "0", "off":
		return false
	}
	s.reject(n, key, "must be true or false, got "+describe(n, key))
	return def
}

// Duration returns the duration at key ({hours: 1}, "PT1H", "1h"), or def.
func (s *Section) Duration(key string, def time.Duration) time.Duration {
	n := s.find(key)
	if n == nil {
		return def
	}
	d, err := durationOf(&Section{config: s.config, node: n, path: joinKey(s.path, key)})
	if err != nil {
		s.reject(n, key, err.Error())
		return def
	}
	return d
}

func durationOf(s *Section) (time.Duration, error) {
	switch s.node.kind {
	case stringKind:
		return ParseDuration(s.node.text)
	case objectKind:
		return objectDuration(s)
	case numberKind:
		return 0, errors.New("a plain number has no unit; write for example '30s' or {seconds: 30}")
	default:
		return 0, errors.New("must be a duration such as '30s', 'PT1H' or {hours: 1}, got " + s.node.kind.String())
	}
}

// Strings returns the list at key; a single string is a list of one; missing = nil.
func (s *Section) Strings(key string) []string {
	n := s.find(key)
	if n == nil {
		return nil
	}
	items, list := n.items, n.kind == listKind
	if !list {
		items = []*node{n}
	}
	out := make([]string, 0, len(items))
	for i, item := range items {
		if item.kind != stringKind || item.text == "" {
			itemKey := key
			if list {
				itemKey = fmt.Sprintf("%s[%d]", key, i)
			}
			s.reject(item, itemKey, "must be a string that is not empty, got "+describe(item, key)+quoteHint(item))
			continue
		}
		out = append(out, item.text)
	}
	return out
}

// Section returns the object at key; missing = an empty section.
func (s *Section) Section(key string) *Section {
	if key == "" {
		return s
	}
	n := s.find(key)
	if n != nil && n.kind != objectKind {
		s.reject(n, key, "must be an object, got "+describe(n, key))
		n = nil
	}
	return &Section{config: s.config, node: n, path: joinKey(s.path, key)}
}

// Sections returns the objects of the list at key; missing = nil.
func (s *Section) Sections(key string) []*Section {
	n := s.find(key)
	if n == nil {
		return nil
	}
	if n.kind != listKind {
		s.reject(n, key, "must be a list of objects, got "+describe(n, key))
		return nil
	}
	out := make([]*Section, 0, len(n.items))
	for i, item := range n.items {
		itemKey := fmt.Sprintf("%s[%d]", key, i)
		if item.kind != objectKind {
			s.reject(item, itemKey, "must be an object, got "+describe(item, key))
			continue
		}
		out = append(out, &Section{config: s.config, node: item, path: joinKey(s.path, itemKey)})
	}
	return out
}

// Keys lists the keys of this object, in the order of the files.
func (s *Section) Keys() []string {
	if s.node == nil {
		return nil
	}
	keys := make([]string, 0, len(s.node.keys))
	for _, key := range s.node.keys {
		if s.node.fields[key].kind != nullKind {
			keys = append(keys, key)
		}
	}
	return keys
}

// Value returns the raw JSON-shaped value at key ("" = the section itself), nil when missing. Numbers are float64.
func (s *Section) Value(key string) any {
	if key == "" {
		return s.node.value()
	}
	return s.find(key).value()
}

// Position says where the value at key was written ("" = the section itself); the zero Position when it is missing.
func (s *Section) Position(key string) Position {
	n := s.node
	if key != "" {
		n = s.find(key)
	}
	if n == nil {
		return Position{}
	}
	return n.at
}

// Problem records that the value at key is not acceptable; rule says what would be.
func (s *Section) Problem(key, rule string) {
	at := s.Position(key)
	if at == (Position{}) && s.node != nil {
		at = s.node.at
	}
	full := s.path
	if key != "" {
		full = joinKey(s.path, key)
	}
	s.config.report(at, full, rule)
}

func (s *Section) reject(n *node, key, rule string) {
	s.config.report(n.at, joinKey(s.path, key), rule)
}

// find is the value at a key or dotted path; nil when it is missing or null.
func (s *Section) find(key string) *node {
	if s.node == nil || s.node.kind != objectKind {
		return nil
	}
	n, ok := s.node.fields[key]
	if !ok {
		n = s.walk(key)
	}
	if n == nil || n.kind == nullKind {
		return nil
	}
	return n
}

func (s *Section) walk(path string) *node {
	n := s.node
	parts := splitPath(path)
	for i, part := range parts {
		if n.kind == nullKind {
			return nil
		}
		if n.kind != objectKind {
			key := strings.Join(parts[:i], ".")
			s.reject(n, key, "must be an object, got "+describe(n, key))
			return nil
		}
		if n = n.fields[part]; n == nil {
			return nil
		}
	}
	return n
}
