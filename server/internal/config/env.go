package config

import (
	"fmt"
	"regexp"
	"strings"
)

const envPrefix = "APP_CONFIG_"

// keyPart is what the reference accepts as one part of a key that is asked for or given by a variable.
var keyPart = regexp.MustCompile(`(?i)^[a-z][a-z0-9]*(?:[-_:][a-z0-9]+)*$`)

// envNode builds the configuration that APP_CONFIG_* variables hold, nil when there are none. A value is JSON, or else
// the text itself; empty variables are ignored.
func envNode(environ []string) (*node, error) {
	var root *node
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" {
			continue
		}
		if root == nil {
			root = newObject(Position{File: "environment"})
		}
		if err := setEnv(root, name, value); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func setEnv(root *node, name, value string) error {
	at := Position{File: name}
	parts := strings.Split(strings.TrimPrefix(name, envPrefix), "_")
	fail := func(format string, args ...any) error {
		return &Problem{At: at, Key: strings.Join(parts, "."), Message: fmt.Sprintf(format, args...)}
	}
	target := root
	for i, part := range parts {
		if !keyPart.MatchString(part) {
			return fail("'%s' is not a valid key: letters and digits, starting with a letter, parts separated by '_'", part)
		}
		if i == len(parts)-1 {
			break
		}
		next := target.fields[part]
		if next == nil || next.kind == nullKind {
			next = newObject(at)
			target.set(part, next)
		}
		if next.kind != objectKind {
			return fail("cannot be nested under '%s', which %s sets to a value that is no object",
				strings.Join(parts[:i+1], "."), next.at.File)
		}
		target = next
	}
	last := parts[len(parts)-1]
	if earlier, ok := target.fields[last]; ok {
		return fail("is already set by %s", earlier.at.File)
	}
	parsed, err := parseJSON([]byte(value), name)
	if err != nil {
		parsed = &node{kind: stringKind, text: value}
	}
	if parsed.kind == nullKind {
		return fail("value may not be null")
	}
	dropLines(parsed, at)
	target.set(last, parsed)
	return nil
}

// dropLines gives every value of a variable the variable as its position.
func dropLines(n *node, at Position) {
	n.at = at
	for _, item := range n.items {
		dropLines(item, at)
	}
	for _, field := range n.fields {
		dropLines(field, at)
	}
}
