package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// settingsCases are settings to try on a plugin.
type settingsCases struct {
	// good fit the schema, with canaries for secrets; bare are good as well, without anything that is not required.
	good, bare []byte
	bad        []candidate
	secrets    []string // the values of secrets in good
}

// candidate is one text of settings, with a name for people.
type candidate struct {
	what string // "settings " + what: "with a number at /greeting"
	json []byte
}

// makeSettings makes them of a schema. given, if any, replaces what can be made: a schema cannot say everything.
func makeSettings(text string, given json.RawMessage, c *canaries) (*settingsCases, error) {
	if text == "" {
		good := []byte("{}")
		if len(given) > 0 {
			good = given
		}
		return &settingsCases{good: good, bare: good}, nil
	}
	schema, resolved, err := resolve(text)
	if err != nil {
		return nil, skipf("The settings' schema cannot be read: %v", err)
	}
	g := generator{root: schema, canaries: c}
	var good any
	if len(given) == 0 {
		good = g.value(schema, true, 0)
	} else {
		if err := json.Unmarshal(given, &good); err != nil {
			return nil, errTarget("the settings are not JSON: %v", err)
		}
		g.hatchGiven(schema, good)
	}
	if err := resolved.Validate(good); err != nil {
		return nil, skipf("No settings could be made that fit the schema (%v); give some with --settings", err)
	}
	cases := &settingsCases{good: mustJSON(good), bare: mustJSON(good), secrets: g.secrets}
	if bare := g.value(schema, false, 0); len(given) == 0 && resolved.Validate(bare) == nil {
		cases.bare = mustJSON(bare)
	}
	for what, value := range spoil(schema, good) {
		if resolved.Validate(value) != nil {
			cases.bad = append(cases.bad, candidate{what, mustJSON(value)})
		}
	}
	slices.SortFunc(cases.bad, func(a, b candidate) int { return strings.Compare(a.what, b.what) })
	return cases, nil
}

// generator makes values that fit a schema, as far as its simple keywords say.
type generator struct {
	root     *jsonschema.Schema
	canaries *canaries
	secrets  []string
	made     int // values so far: a schema may ask for very many
}

// value makes one. full = with optional members.
func (g *generator) value(s *jsonschema.Schema, full bool, depth int) any {
	s = g.follow(s)
	g.made++
	switch {
	case s == nil || depth > 12 || g.made > 10_000:
		return nil
	case isSecret(s) && s.Pattern == "" && len(s.Enum) == 0:
		return g.secret(s)
	case s.Const != nil:
		return *s.Const
	case len(s.Default) > 0:
		var v any
		if json.Unmarshal(s.Default, &v) == nil {
			return v
		}
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	for _, choice := range [][]*jsonschema.Schema{s.OneOf, s.AnyOf, s.AllOf} {
		if s.Type == "" && len(s.Types) == 0 && len(choice) > 0 {
			return g.value(choice[0], full, depth+1)
		}
	}
	switch typeOf(s) {
	case "object":
		return g.object(s, full, depth)
	case "array":
		items := []any{}
		for range min(max(value(s.MinItems), 0), 1000) {
			items = append(items, g.value(s.Items, full, depth+1))
		}
		return items
	case "string":
		return text(s)
	case "integer", "number":
		return number(s)
	case "boolean":
		return true
	}
	return nil
}

func (g *generator) follow(s *jsonschema.Schema) *jsonschema.Schema {
	for range 20 {
		if s == nil || s.Ref == "" {
			return s
		}
		if s.Ref == "#" {
			return g.root
		}
		if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
			s = g.root.Defs[name]
			continue
		}
		s = g.root.Definitions[strings.TrimPrefix(s.Ref, "#/definitions/")]
	}
	return nil
}

// optionalDepth ends settings whose members have themselves as members.
const optionalDepth = 6

func (g *generator) object(s *jsonschema.Schema, full bool, depth int) map[string]any {
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if full && depth < optionalDepth || slices.Contains(s.Required, name) {
			object[name] = g.value(s.Properties[name], full, depth+1)
		}
	}
	return object
}

func (g *generator) secret(s *jsonschema.Schema) string {
	text := g.canaries.hatch(secretCanary)
	if s.MinLength != nil && len(text) < *s.MinLength {
		text += strings.Repeat("0", *s.MinLength-len(text))
	}
	if s.MaxLength != nil && len(text) > *s.MaxLength {
		text = text[:max(*s.MaxLength, 0)]
	}
	g.canaries.add(secretCanary, text)
	g.secrets = append(g.secrets, text)
	return text
}

// hatchGiven makes canaries of the secrets in settings that were given.
func (g *generator) hatchGiven(s *jsonschema.Schema, v any) {
	s = g.follow(s)
	if s == nil {
		return
	}
	if text, ok := v.(string); ok && isSecret(s) && len(text) >= 6 { // shorter ones occur by chance
		g.canaries.add(secretCanary, text)
		g.secrets = append(g.secrets, text)
	}
	if object, ok := v.(map[string]any); ok {
		for name, member := range object {
			g.hatchGiven(s.Properties[name], member)
		}
	}
}

func isSecret(s *jsonschema.Schema) bool {
	secret, _ := s.Extra["x-secret"].(bool)
	return secret
}

func typeOf(s *jsonschema.Schema) string {
	switch {
	case s.Type != "":
		return s.Type
	case len(s.Types) > 0:
		return s.Types[0]
	case len(s.Properties) > 0:
		return "object"
	}
	return ""
}

// text makes a string: by the format, else the first of some common forms that the pattern takes.
func text(s *jsonschema.Schema) string {
	byFormat := map[string]string{
		"uri": "http://127.0.0.1:9", "url": "http://127.0.0.1:9", "email": "ann@example.com", "hostname": "example.com", "date": "2026-01-31",
		"date-time": "2026-01-31T12:00:00Z", "uuid": "6b29fc40-ca47-1067-b31d-00dd010662da", "ipv4": "192.0.2.1", "duration": "PT1M", "regex": ".*",
	}
	if known := byFormat[s.Format]; known != "" {
		return known
	}
	for _, guess := range []string{"sample", "a", "1", "A", "ab-cd", "http://127.0.0.1:9", "1.2.3", "1m", "component:default/sample", "ann@example.com"} {
		guess += strings.Repeat("x", max(value(s.MinLength)-len(guess), 0))
		if s.MaxLength != nil {
			guess = guess[:min(len(guess), *s.MaxLength)]
		}
		one := jsonschema.Schema{Type: "string", Pattern: s.Pattern}
		if r, err := one.Resolve(nil); err != nil || r.Validate(guess) == nil {
			return guess
		}
	}
	return "sample"
}

func number(s *jsonschema.Schema) float64 {
	n := 1.0
	if s.Minimum != nil {
		n = math.Ceil(*s.Minimum)
	}
	if s.ExclusiveMinimum != nil {
		n = math.Floor(*s.ExclusiveMinimum) + 1
	}
	if s.Maximum != nil && n > *s.Maximum {
		n = *s.Maximum
	}
	if s.MultipleOf != nil && *s.MultipleOf > 0 {
		n = math.Ceil(n / *s.MultipleOf) * *s.MultipleOf
	}
	return n
}

func value(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// spoil makes settings that differ from good ones at one place each. Not every result is wrong: the schema decides.
func spoil(s *jsonschema.Schema, good any) map[string]any {
	bad := map[string]any{"as a list": []any{}, "as a text": "settings", "as a number": 1.0, "as null": nil}
	object, ok := good.(map[string]any)
	if !ok {
		return bad
	}
	with := func(what, name string, v any) {
		changed := maps.Clone(object)
		changed[name] = v
		bad["with "+what+" at /"+name] = changed
	}
	with("an unknown member", "x-unknown-member", true)
	for _, name := range s.Required {
		missing := maps.Clone(object)
		delete(missing, name)
		bad["without /"+name] = missing
	}
	for name, property := range s.Properties {
		for kind, v := range map[string]any{"a text": "text", "a number": 7.5, "a list": []any{1.0}, "an object": map[string]any{"a": 1.0}, "null": nil, "an empty text": ""} {
			with(kind, name, v)
		}
		with("a long text", name, strings.Repeat("x", value(property.MaxLength)+1))
		if property.Minimum != nil {
			with("less than its minimum", name, *property.Minimum-1)
		}
		if property.Maximum != nil {
			with("more than its maximum", name, *property.Maximum+1)
		}
	}
	return bad
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("conformance: encode made settings: %v", err)) // they are made of JSON values alone
	}
	return data
}
