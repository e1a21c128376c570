package pluginhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// maxSchema bounds a settings schema: it is foreign text that is compiled in the host.
const maxSchema = 256 << 10

// settingsSchema is the JSON Schema of a plugin's settings. Members that hold secrets carry "x-secret": true.
type settingsSchema struct {
	document any
	compiled *jsonschema.Schema
}

// openSettings reads the schema that the manifest names; nil when the plugin has no settings.
func openSettings(m *manifest.Manifest) (*settingsSchema, error) {
	if m.Config == "" {
		return nil, nil
	}
	refuse := func(rule string) error {
		return &manifest.Error{Plugin: m.ID, File: m.Config, Rule: rule}
	}
	root, err := os.OpenRoot(m.Dir)
	if err != nil {
		return nil, refuse(err.Error())
	}
	defer root.Close()
	info, err := root.Stat(m.Config)
	if err != nil {
		return nil, refuse(err.Error())
	}
	if !info.Mode().IsRegular() || info.Size() > maxSchema {
		return nil, refuse(fmt.Sprintf("must be a file of at most %d bytes", maxSchema))
	}
	text, err := root.ReadFile(m.Config)
	if err != nil {
		return nil, refuse(err.Error())
	}
	schema, err := compileSettings(string(text))
	if err != nil {
		return nil, refuse(err.Error())
	}
	return schema, nil
}

// nothingElse refuses every document that a schema points to: a schema must not make the host fetch or read.
type nothingElse struct{}

func (nothingElse) Load(url string) (any, error) {
	return nil, fmt.Errorf("a settings schema must not refer to other documents, such as %s", url)
}

func compileSettings(text string) (*settingsSchema, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	if kind, _ := document.(map[string]any); kind["type"] != "object" {
		return nil, errors.New(`must be a JSON Schema with "type": "object"`)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nothingElse{})
	c.AssertFormat()
	const name = "settings"
	if err := c.AddResource(name, document); err != nil {
		return nil, fmt.Errorf("is not a JSON Schema: %w", err)
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("is not a JSON Schema: %w", err)
	}
	return &settingsSchema{document, compiled}, nil
}

// wrongSetting is one setting that does not fit: its JSON Pointer and what it must be. It never holds the value.
type wrongSetting struct {
	Path string `json:"path"`
	Rule string `json:"rule"`
}

func (w wrongSetting) String() string {
	if w.Path == "" {
		return w.Rule
	}
	return w.Path + " " + w.Rule
}

// check lists what is wrong with values, in the order of paths.
func (s *settingsSchema) check(values map[string]any) []wrongSetting {
	err := s.compiled.Validate(values)
	var failed *jsonschema.ValidationError
	if !errors.As(err, &failed) {
		if err != nil {
			return []wrongSetting{{Rule: err.Error()}}
		}
		return nil
	}
	var all []wrongSetting
	words := message.NewPrinter(language.English)
	collect(failed, words, &all)
	slices.SortFunc(all, func(a, b wrongSetting) int { return strings.Compare(a.Path+a.Rule, b.Path+b.Rule) })
	return slices.Compact(all)
}

// collect takes the leaves of the tree of causes.
func collect(e *jsonschema.ValidationError, words *message.Printer, all *[]wrongSetting) {
	for _, cause := range e.Causes {
		collect(cause, words, all)
	}
	if len(e.Causes) == 0 {
		*all = append(*all, wrongSetting{pointer(e.InstanceLocation), ruleOf(e, words)})
	}
}

func pointer(path []string) string {
	var b strings.Builder
	for _, part := range path {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return b.String()
}

// nature is what the schema says about a part of the settings.
type nature uint8

const (
	undescribed nature = iota // nothing: it may be a secret under a wrong name
	plain
	secret
)

// walk calls visit with every part of value, from the outside in. visit returns what the part is replaced by in the copy
// that walk returns.
func (s *settingsSchema) walk(value any, visit func(value any, n nature) (replacement any, deeper bool)) any {
	return s.walkNode([]any{s.document}, value, visit, 0)
}

const maxSettingsDepth = 32

func (s *settingsSchema) walkNode(schemas []any, value any, visit func(any, nature) (any, bool), depth int) any {
	schemas = s.flatten(schemas, 0)
	is := undescribed
	for _, n := range schemas {
		if m, _ := n.(map[string]any); m["x-secret"] == true {
			is = secret
		}
		is = max(is, plain)
	}
	replacement, deeper := visit(value, is)
	if !deeper || depth > maxSettingsDepth {
		return replacement
	}
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, member := range v {
			out[key] = s.walkNode(below(schemas, key), member, visit, depth+1)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = s.walkNode(belowItem(schemas, i), item, visit, depth+1)
		}
		return out
	}
	return replacement
}

// flatten adds the schemas that apply to the same value: references and alternatives. Every alternative counts, since a
// value must not be shown because another alternative took it.
func (s *settingsSchema) flatten(schemas []any, depth int) []any {
	if depth > maxSettingsDepth {
		return schemas
	}
	var all []any
	for _, n := range schemas {
		m, ok := n.(map[string]any)
		if !ok {
			continue
		}
		all = append(all, m)
		var same []any
		if ref, ok := m["$ref"].(string); ok {
			same = append(same, s.at(ref))
		}
		for _, word := range []string{"allOf", "anyOf", "oneOf"} {
			alternatives, _ := m[word].([]any)
			same = append(same, alternatives...)
		}
		for _, word := range []string{"if", "then", "else"} {
			same = append(same, m[word])
		}
		all = append(all, s.flatten(same, depth+1)...)
	}
	return all
}

// at is the part of the document that a local reference such as "#/$defs/token" names.
func (s *settingsSchema) at(ref string) any {
	path, local := strings.CutPrefix(ref, "#")
	if !local {
		return nil
	}
	node := s.document
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if part == "" {
			continue
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch v := node.(type) {
		case map[string]any:
			node = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			node = v[i]
		default:
			return nil
		}
	}
	return node
}

func below(schemas []any, key string) []any {
	var out []any
	for _, n := range schemas {
		m, _ := n.(map[string]any)
		if properties, ok := m["properties"].(map[string]any); ok && properties[key] != nil {
			out = append(out, properties[key])
			continue
		}
		if patterns, ok := m["patternProperties"].(map[string]any); ok {
			for _, p := range patterns {
				out = append(out, p) // whichever matches: a secret too many is hidden rather than one too few
			}
		}
		out = append(out, m["additionalProperties"])
	}
	return out
}

func belowItem(schemas []any, i int) []any {
	var out []any
	for _, n := range schemas {
		m, _ := n.(map[string]any)
		if first, ok := m["prefixItems"].([]any); ok && i < len(first) {
			out = append(out, first[i])
			continue
		}
		out = append(out, m["items"])
	}
	return out
}

// secrets are the secret texts among values: their scalars, wherever a secret stands in the tree.
func (s *settingsSchema) secrets(values map[string]any) []string {
	var found []string
	s.walk(values, func(v any, is nature) (any, bool) {
		if is == secret {
			found = append(found, scalars(v)...)
		}
		return v, is != secret
	})
	slices.Sort(found)
	return slices.Compact(found)
}

func scalars(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		var all []string
		for _, member := range v {
			all = append(all, scalars(member)...)
		}
		return all
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, scalars(item)...)
		}
		return all
	case nil, bool:
		return nil
	default:
		text, _ := json.Marshal(v)
		return []string{string(text)}
	}
}

// masked is a copy of values that people may see: without secrets, and without what the schema does not know.
func (s *settingsSchema) masked(values map[string]any) map[string]any {
	out, _ := s.walk(values, func(v any, is nature) (any, bool) {
		if is != plain && v != nil {
			return config.Secret, false
		}
		return v, true
	}).(map[string]any)
	return out
}

// secret is the value of the top-level secret setting name.
func (s *settingsSchema) secret(values map[string]any, name string) (string, bool) {
	text, ok := values[name].(string)
	return text, ok && slices.Contains(s.secrets(map[string]any{name: text}), text)
}
