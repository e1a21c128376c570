package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// checkReferences refuses schemas that the validator would follow for ever: a schema that applies itself to the same value
// again, by $ref and its kin. It comes from the plugin, and nothing of a plugin may end the kit.
func checkReferences(schema any) error {
	w := referenceWalk{root: schema, state: map[string]int{}}
	return w.all(schema, "", 0)
}

type referenceWalk struct {
	root  any
	state map[string]int // by pointer: 1 = on the way, 2 = fine
}

const (
	onTheWay = 1
	fine     = 2
	deepest  = 100
)

// all looks at every schema of the document, those included that apply to members only.
func (w *referenceWalk) all(node any, at string, depth int) error {
	if depth > deepest {
		return fmt.Errorf("it is nested more than %d levels deep", deepest)
	}
	switch node := node.(type) {
	case map[string]any:
		if err := w.follow(node, at, 0); err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(node)) {
			if key == "enum" || key == "const" || key == "default" || key == "examples" {
				continue
			}
			if err := w.all(node[key], at+"/"+escape(key), depth+1); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range node {
			if err := w.all(item, at+"/"+strconv.Itoa(i), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow goes from a schema to those that apply to the same value.
func (w *referenceWalk) follow(node map[string]any, at string, depth int) error {
	switch {
	case w.state[at] == fine:
		return nil
	case w.state[at] == onTheWay || depth > deepest:
		return fmt.Errorf("the schema at #%s refers to itself without end", at)
	}
	w.state[at] = onTheWay
	for _, next := range w.sameValue(node, at) {
		target, err := w.find(next)
		if err != nil {
			return err
		}
		if schema, ok := target.(map[string]any); ok {
			if err := w.follow(schema, next, depth+1); err != nil {
				return err
			}
		}
	}
	w.state[at] = fine
	return nil
}

// sameValue lists pointers of the schemas that node applies to its own value.
func (w *referenceWalk) sameValue(node map[string]any, at string) []string {
	var next []string
	for _, key := range []string{"$ref", "$dynamicRef"} {
		if ref, ok := node[key].(string); ok {
			next = append(next, "ref:"+ref)
		}
	}
	for _, key := range []string{"not", "if", "then", "else"} {
		if node[key] != nil {
			next = append(next, at+"/"+key)
		}
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := node[key].([]any)
		for i := range list {
			next = append(next, at+"/"+key+"/"+strconv.Itoa(i))
		}
	}
	if dependent, ok := node["dependentSchemas"].(map[string]any); ok {
		for key := range dependent {
			next = append(next, at+"/dependentSchemas/"+escape(key))
		}
	}
	for i, pointer := range next {
		next[i] = strings.TrimPrefix(pointer, "ref:#")
	}
	return next
}

// find evaluates a pointer. Other references, by name or to other documents, are not followed and so not accepted.
func (w *referenceWalk) find(pointer string) (any, error) {
	if pointer != "" && !strings.HasPrefix(pointer, "/") {
		return nil, fmt.Errorf("it refers to %q; refer by pointers such as #/$defs/name", strings.TrimPrefix(pointer, "ref:"))
	}
	node := w.root
	if pointer == "" {
		return node, nil
	}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch parent := node.(type) {
		case map[string]any:
			node = parent[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(parent) {
				return nil, fmt.Errorf("it refers to #%s, which is not there", pointer)
			}
			node = parent[i]
		default:
			return nil, fmt.Errorf("it refers to #%s, which is not there", pointer)
		}
	}
	return node, nil
}

func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }
