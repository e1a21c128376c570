package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Difference is one place where an answer is not what was recorded.
type Difference struct {
	Path          string
	Expected, Got any
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: expected %s, got %s", d.Path, show(d.Expected), show(d.Got))
}

// absent stands for a member that is missing, which JSON null is not.
type absent struct{}

func show(v any) string {
	if _, ok := v.(absent); ok {
		return "(absent)"
	}
	text := stable(v)
	if len(text) > 220 {
		return text[:217] + "..."
	}
	return text
}

// stable is a text that is equal for equal values; encoding/json sorts the keys.
func stable(v any) string {
	if _, ok := v.(absent); ok {
		return "undefined"
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// comparison collects differences. Lenient leaves the texts of error messages out.
type comparison struct {
	lenient bool
	mode    string
	out     []Difference
}

func (c *comparison) add(path string, expected, got any) {
	c.out = append(c.out, Difference{cmp.Or(path, "/"), expected, got})
}

func (c *comparison) diff(expected, got any, at string) {
	if expected == "<ignored>" {
		return
	}
	switch e := expected.(type) {
	case []any:
		if g, ok := got.([]any); ok {
			c.diffArrays(e, g, at)
			return
		}
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			c.diffObjects(e, g, at)
			return
		}
	case string:
		if _, ok := got.(string); ok && c.lenient && (at == "message" || strings.HasSuffix(at, "/message")) {
			return
		}
	}
	if !reflect.DeepEqual(expected, got) {
		c.add(at, expected, got)
	}
}

func (c *comparison) diffArrays(e, g []any, at string) {
	if c.mode == "contains" {
		for i, x := range e {
			if !slices.ContainsFunc(g, func(y any) bool { return c.same(x, y) }) {
				c.add(at+"/"+strconv.Itoa(i), x, "(no such element)")
			}
		}
		return
	}
	if len(e) != len(g) {
		c.add(at+"/length", len(e), len(g))
	}
	for i := range max(len(e), len(g)) {
		path := at + "/" + strconv.Itoa(i)
		switch {
		case i >= len(e):
			c.add(path, absent{}, g[i])
		case i >= len(g):
			c.add(path, e[i], absent{})
		default:
			c.diff(e[i], g[i], path)
		}
	}
}

func (c *comparison) same(x, y any) bool {
	inner := comparison{lenient: c.lenient, mode: c.mode}
	inner.diff(x, y, "")
	return len(inner.out) == 0
}

func (c *comparison) diffObjects(e, g map[string]any, at string) {
	for _, key := range slices.Sorted(maps.Keys(e)) {
		path := at + "/" + escapePointer(key)
		if got, ok := g[key]; ok {
			c.diff(e[key], got, path)
		} else {
			c.add(path, e[key], absent{})
		}
	}
	if c.mode == "contains" {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(g)) {
		if _, ok := e[key]; !ok {
			c.add(at+"/"+escapePointer(key), absent{}, g[key])
		}
	}
}

// prepare applies what a case leaves out or does not order. doc is changed.
func prepare(doc any, how Compare) any {
	root := map[string]any{"root": doc}
	for _, p := range how.Ignore {
		visit(root, "/root"+p, func(_ any, set func(any)) { set("<ignored>") })
	}
	for _, p := range how.Drop {
		visit(root, "/root"+p, func(_ any, set func(any)) { set(absent{}) })
	}
	if how.Mode == "shape" {
		root["root"] = shape(root["root"])
	}
	for _, p := range how.Unordered {
		visit(root, "/root"+p, func(node any, _ func(any)) {
			if list, ok := node.([]any); ok {
				slices.SortStableFunc(list, func(a, b any) int { return strings.Compare(stable(a), stable(b)) })
			}
		})
	}
	return root["root"]
}

// shape replaces values by their JavaScript types, and arrays by the distinct shapes of their elements.
func shape(v any) any {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case []any:
		distinct := map[string]any{}
		for _, x := range v {
			s := shape(x)
			distinct[stable(s)] = s
		}
		out := []any{}
		for _, key := range slices.Sorted(maps.Keys(distinct)) {
			out = append(out, distinct[key])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = shape(x)
		}
		return out
	}
	return "undefined"
}

// visit calls fn at every place that a pointer with "*" or "**" names; set replaces the node, or removes it when given
// absent (in arrays it leaves a mark, so that indexes stay).
func visit(doc any, pointer string, fn func(node any, set func(any))) {
	visitSegments(doc, strings.Split(pointer, "/")[1:], func(any) {}, fn)
}

func visitSegments(node any, segments []string, set func(any), fn func(any, func(any))) {
	if len(segments) == 0 {
		fn(node, set)
		return
	}
	segment, rest := unescapePointer(segments[0]), segments[1:]
	if segment == "**" {
		visitSegments(node, rest, set, fn)
	}
	children(node, func(key string, child any, set func(any)) {
		switch segment {
		case "**":
			visitSegments(child, segments, set, fn)
		case "*", key:
			visitSegments(child, rest, set, fn)
		}
	})
}

func children(node any, fn func(key string, child any, set func(any))) {
	switch n := node.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(n)) {
			fn(key, n[key], func(v any) {
				if _, gone := v.(absent); gone {
					delete(n, key)
				} else {
					n[key] = v
				}
			})
		}
	case []any:
		for i, child := range n {
			fn(strconv.Itoa(i), child, func(v any) {
				if _, gone := v.(absent); gone {
					v = "<dropped>"
				}
				n[i] = v
			})
		}
	}
}

// lookup follows a pointer that also knows "*" (all elements) and "[key=value]" (the element with that member).
func lookup(doc any, pointer string) any {
	if pointer == "" {
		return doc
	}
	segments := strings.Split(pointer, "/")[1:]
	for i, raw := range segments {
		segment := unescapePointer(raw)
		switch node := doc.(type) {
		case map[string]any:
			child, ok := node[segment]
			if !ok {
				return absent{}
			}
			doc = child
		case []any:
			if segment == "*" {
				rest := ""
				if i+1 < len(segments) {
					rest = "/" + strings.Join(segments[i+1:], "/")
				}
				out := make([]any, len(node))
				for j, x := range node {
					out[j] = lookup(x, rest)
				}
				return out
			}
			doc = element(node, segment)
		default:
			return absent{}
		}
	}
	return doc
}

func element(list []any, segment string) any {
	if key, value, ok := strings.Cut(strings.Trim(segment, "[]"), "="); ok && strings.HasPrefix(segment, "[") {
		for _, x := range list {
			if text(lookup(x, "/"+strings.ReplaceAll(key, ".", "/"))) == value {
				return x
			}
		}
		return absent{}
	}
	if segment == "length" {
		return float64(len(list))
	}
	if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(list) {
		return list[i]
	}
	return absent{}
}

// text is a value as JavaScript's String() has it, for the values that occur.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case absent:
		return "undefined"
	}
	return stable(v)
}

func escapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}

func unescapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
}
