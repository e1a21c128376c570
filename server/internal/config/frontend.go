package config

import "fmt"

// FrontendConfig is what a frontend may know of a configuration.
type FrontendConfig struct {
	// Config holds the visible values and nothing else.
	*Config
	// Deprecated are keys in use that their package is about to drop.
	Deprecated []DeprecatedKey
}

// DeprecatedKey is a configuration key that still works and the advice of its package.
type DeprecatedKey struct {
	Key         string `json:"key"`
	Description string `json:"description"`
}

// Frontend is the subset of c that s shows to frontends. A value without a word about it is hidden; a secret one always.
func (c *Config) Frontend(s *Schema) FrontendConfig {
	m := &marker{marks: map[*node]marks{}, steps: new(int)}
	rules := make([]rule, len(s.packages))
	for i, root := range s.packages {
		rules[i] = rule{root, root}
	}
	_ = m.apply(rules, c.root, 0) // values that do not fit are reported by the features that read them
	f := &frontendFilter{marks: m.marks}
	root := f.filter(c.root, "", "")
	if root == nil {
		root = newObject(Position{})
	}
	return FrontendConfig{Config: &Config{root: root}, Deprecated: f.deprecated}
}

type frontendFilter struct {
	marks      map[*node]marks
	deprecated []DeprecatedKey
}

// filter keeps what is visible in n, nil for nothing. inherited is the deep visibility of an object or list above; as
// in the reference it does not count for the value that declares it, only for what lies below.
func (f *frontendFilter) filter(n *node, path string, inherited visibility) *node {
	said := f.marks[n]
	if said.deprecated != "" {
		f.deprecated = append(f.deprecated, DeprecatedKey{Key: path, Description: string(said.deprecated)})
	}
	own := said.visible
	if own == "" || inherited == visibleSecret {
		own = inherited
	}
	below := said.deep
	if below == "" || inherited == visibleSecret {
		below = inherited
	}
	switch n.kind {
	case nullKind:
		return nil
	case listKind:
		return f.filterList(n, path, own, below)
	case objectKind:
		return f.filterObject(n, path, own, below)
	default:
		if own != visibleFrontend {
			return nil
		}
		return n
	}
}

// filterList also keeps plain items of a list that is visible itself.
func (f *frontendFilter) filterList(n *node, path string, own, below visibility) *node {
	out := &node{kind: listKind, at: n.at}
	for i, item := range n.items {
		passed := below
		if item.scalar() && f.marks[item].visible == "" && own != "" {
			passed = own
		}
		if kept := f.filter(item, fmt.Sprintf("%s[%d]", path, i), passed); kept != nil {
			out.items = append(out.items, kept)
		}
	}
	if len(out.items) == 0 && own != visibleFrontend {
		return nil
	}
	return out
}

func (f *frontendFilter) filterObject(n *node, path string, own, below visibility) *node {
	out := newObject(n.at)
	for _, key := range n.keys {
		if kept := f.filter(n.fields[key], joinKey(path, key), below); kept != nil {
			out.set(key, kept)
		}
	}
	if len(out.keys) == 0 && own != visibleFrontend {
		return nil
	}
	return out
}
