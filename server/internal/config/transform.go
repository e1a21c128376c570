package config

import (
	"fmt"
	"regexp"
	"strings"
)

// environment answers variables as the reference does: trimmed.
type environment map[string]string

func newEnvironment(environ []string) environment {
	env := make(environment, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			env[name] = value
		}
	}
	return env
}

func (e environment) lookup(name string) (string, bool) {
	value, ok := e[name]
	return strings.TrimSpace(value), ok
}

var reference = regexp.MustCompile(`\$?\$\{[^{}]*\}`)

// substitution is the outcome of replacing ${NAME} in one text.
type substitution struct {
	text string
	// used tells that at least one variable was replaced; an escape alone does not count.
	used bool
	// missing are the variables without a value; if there are any, the whole value is absent.
	missing []string
}

// substitute replaces ${NAME} and ${NAME:-fallback}; $${NAME} is the escape for a literal ${NAME}. An empty variable
// counts as a value without a fallback, and as none with one. What it inserts is not looked at again.
func (e environment) substitute(text string) substitution {
	var s substitution
	s.text = reference.ReplaceAllStringFunc(text, func(match string) string {
		if strings.HasPrefix(match, "$$") {
			return match[1:]
		}
		s.used = true
		name, fallback, hasFallback := strings.Cut(match[2:len(match)-1], ":-")
		name, fallback = strings.TrimSpace(name), strings.TrimSpace(fallback)
		value, ok := e.lookup(name)
		if hasFallback && value == "" {
			value, ok = fallback, fallback != ""
		}
		if !ok {
			s.missing = append(s.missing, name)
		}
		return value
	})
	return s
}

// place is where the transformation stands: in which file, reached through which includes.
type place struct {
	dir   string
	chain []string
}

// transform replaces variables and includes in n and below. A nil result without an error means that the value is
// absent: an undefined variable takes its whole value away.
func (l *loader) transform(n *node, key string, p place, depth int) (*node, error) {
	if l.nodes++; l.nodes > maxNodes {
		return nil, &Problem{At: n.at, Key: key, Message: fmt.Sprintf("configuration has more than %d values", maxNodes)}
	}
	if depth > maxDepth {
		return nil, &Problem{At: n.at, Key: key, Message: fmt.Sprintf("is nested deeper than %d levels, includes counted", maxDepth)}
	}
	switch n.kind {
	case stringKind:
		return l.transformText(n, key), nil
	case listKind:
		return l.transformList(n, key, p, depth)
	case objectKind:
		if directive := includeKey(n); directive != "" {
			return l.include(n, directive, key, p, depth)
		}
		return l.transformObject(n, key, p, depth)
	default:
		return n, nil
	}
}

func (l *loader) transformText(n *node, key string) *node {
	s := l.env.substitute(n.text)
	if len(s.missing) > 0 {
		l.absent(n.at, key, s.missing)
		return nil
	}
	if s.text == n.text {
		return n
	}
	return &node{kind: stringKind, text: s.text, at: n.at, secret: s.used}
}

func (l *loader) absent(at Position, key string, variables []string) {
	noun := "variable"
	if len(variables) > 1 {
		noun = "variables"
	}
	l.warn(at, key, fmt.Sprintf("is absent because the environment %s %s not set", noun, strings.Join(variables, ", ")+isAre(len(variables))))
}

func isAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

func (l *loader) transformList(n *node, key string, p place, depth int) (*node, error) {
	out := &node{kind: listKind, at: n.at}
	for i, item := range n.items {
		child, err := l.transform(item, fmt.Sprintf("%s[%d]", key, i), p, depth+1)
		if err != nil {
			return nil, err
		}
		if child != nil {
			out.items = append(out.items, child)
		}
	}
	return out, nil
}

func (l *loader) transformObject(n *node, key string, p place, depth int) (*node, error) {
	out := newObject(n.at)
	for _, name := range n.keys {
		child, err := l.transform(n.fields[name], joinKey(key, name), p, depth+1)
		if err != nil {
			return nil, err
		}
		if child != nil {
			out.set(name, child)
		}
	}
	return out, nil
}

func joinKey(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}
