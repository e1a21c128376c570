package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// decode checks data against the schema, fills in defaults and stores it in into, a pointer to the Go type. Diagnostics
// name each member that is wrong by its JSON Pointer, and never repeat the value of a secret.
func (s *schema) decode(data []byte, into any) []*pluginv1.Diagnostic {
	doc := map[string]any{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &doc); err != nil || doc == nil {
			return []*pluginv1.Diagnostic{problem("", "must be a JSON object")}
		}
	}
	if found := s.check(s.root, doc, "", nil); len(found) > 0 {
		return found
	}
	if err := s.fill(data, into); err != nil {
		return []*pluginv1.Diagnostic{decodeProblem(err)}
	}
	return nil
}

// fill decodes with defaults. It keeps numbers as they are written: an id beyond 2^53 must not change.
func (s *schema) fill(data []byte, into any) error {
	exact := map[string]any{}
	if len(data) > 0 {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&exact); err != nil {
			return err
		}
	}
	if err := s.whole.ApplyDefaults(&exact); err != nil {
		return err
	}
	if err := fillElements(s.root, exact, false); err != nil {
		return err
	}
	full, err := json.Marshal(exact)
	if err != nil {
		return err
	}
	return json.Unmarshal(full, into)
}

// fillElements fills in the defaults of objects in lists and maps, which ApplyDefaults leaves as they are. An object that is
// absent there stays absent: who leaves out an optional section wants none.
func fillElements(n *jsonschema.Schema, v any, element bool) error {
	if n == nil { // nothing is said of the value
		return nil
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := fillElements(n.Items, item, true); err != nil {
				return err
			}
		}
	case map[string]any:
		if element {
			if err := fillMembers(n, v); err != nil {
				return err
			}
		}
		for name, member := range v {
			inner, inMap := n.Properties[name], element
			if inner == nil {
				inner, inMap = n.AdditionalProperties, true
			}
			if err := fillElements(inner, member, inMap); err != nil {
				return err
			}
		}
	}
	return nil
}

// fillMembers fills in what is absent and has a default.
func fillMembers(n *jsonschema.Schema, v map[string]any) error {
	for name, member := range n.Properties {
		if _, there := v[name]; there || member.Default == nil {
			continue
		}
		var value any
		if err := json.Unmarshal(member.Default, &value); err != nil {
			return err
		}
		v[name] = value
	}
	return nil
}

// decodeProblem leaves the text of the error out, which may quote a secret, unless it is known to name types only.
func decodeProblem(err error) *pluginv1.Diagnostic {
	if e, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // encoding/json does not wrap it
		return problem("/"+strings.ReplaceAll(e.Field, ".", "/"), "does not fit "+e.Type.String())
	}
	return problem("", "a value cannot be read into the plugin's type")
}

// check walks schema and value together.
func (s *schema) check(n *jsonschema.Schema, v any, path string, found []*pluginv1.Diagnostic) []*pluginv1.Diagnostic {
	if err := s.leaves[n].Validate(v); err != nil {
		return append(found, problem(path, sentence(n, err)))
	}
	switch v := v.(type) {
	case map[string]any:
		return s.checkObject(n, v, path, found)
	case []any:
		for i, item := range v {
			if n.Items != nil {
				found = s.check(n.Items, item, path+"/"+strconv.Itoa(i), found)
			}
		}
	case string:
		if n.Format == "uri" {
			if u, err := url.Parse(v); err != nil || u.Scheme == "" || u.Host == "" {
				found = append(found, problem(path, "must be an absolute address such as https://example.com"))
			}
		}
	}
	return found
}

func (s *schema) checkObject(n *jsonschema.Schema, doc map[string]any, path string, found []*pluginv1.Diagnostic) []*pluginv1.Diagnostic {
	for _, name := range n.Required {
		if _, ok := doc[name]; !ok {
			found = append(found, problem(path+"/"+pointer(name), "is missing"))
		}
	}
	for _, name := range sortedKeys(doc) {
		at := path + "/" + pointer(name)
		switch member := n.Properties[name]; {
		case member != nil:
			found = s.check(member, doc[name], at, found)
		case n.AdditionalProperties == nil: // any, in a map of anything
		case n.AdditionalProperties.Not != nil: // none but the struct's
			found = append(found, problem(at, unknown(n.PropertyOrder)))
		default:
			found = s.check(n.AdditionalProperties, doc[name], at, found)
		}
	}
	return found
}

func unknown(known []string) string {
	if len(known) == 0 {
		return "is not known; there is nothing to set"
	}
	return "is not known; known are " + strings.Join(known, ", ")
}

// sentence says what a value must be. It is made of the schema, not of the validator's text, which quotes values.
func sentence(n *jsonschema.Schema, err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "type:"):
		types := n.Types
		if n.Type != "" {
			types = []string{n.Type}
		}
		return "must be of type " + strings.Join(types, " or ")
	case len(n.Enum) > 0 && strings.Contains(text, "enum:"):
		options := make([]string, len(n.Enum))
		for i, o := range n.Enum {
			options[i] = fmt.Sprint(o)
		}
		return "must be one of " + strings.Join(options, ", ")
	case n.Minimum != nil && strings.Contains(text, "minimum:"):
		return fmt.Sprintf("must be at least %v", *n.Minimum)
	case n.Maximum != nil && strings.Contains(text, "maximum:"):
		return fmt.Sprintf("must be at most %v", *n.Maximum)
	case n.MinLength != nil && strings.Contains(text, "minLength:"):
		return fmt.Sprintf("must have at least %d characters", *n.MinLength)
	case n.MaxLength != nil && strings.Contains(text, "maxLength:"):
		return fmt.Sprintf("must have at most %d characters", *n.MaxLength)
	case n.MinItems != nil && strings.Contains(text, "minItems:"):
		return fmt.Sprintf("must have at least %d entries", *n.MinItems)
	case n.MaxItems != nil && strings.Contains(text, "maxItems:"):
		return fmt.Sprintf("must have at most %d entries", *n.MaxItems)
	case n.Pattern != "":
		return "must match " + n.Pattern
	}
	return "does not fit the schema"
}

// secretsIn collects the values of members that are marked as secret.
func (s *schema) secretsIn(data []byte) []string {
	var doc any
	if json.Unmarshal(data, &doc) != nil {
		return nil
	}
	var found []string
	var walk func(n *jsonschema.Schema, v any)
	walk = func(n *jsonschema.Schema, v any) {
		if n == nil {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				if n.Properties != nil {
					walk(n.Properties[name], member)
				} else {
					walk(n.AdditionalProperties, member)
				}
			}
		case []any:
			for _, item := range v {
				walk(n.Items, item)
			}
		case string:
			if n.Extra[secretKey] == true {
				found = append(found, v)
			}
		}
	}
	walk(s.root, doc)
	return found
}

func problem(path, summary string) *pluginv1.Diagnostic {
	return &pluginv1.Diagnostic{
		Severity: pluginv1.Diagnostic_SEVERITY_ERROR, Code: string(inputName), Path: path,
		Summary: strings.TrimSpace(strings.TrimPrefix(path, "/") + " " + summary),
	}
}

// pointer escapes a member's name for a JSON Pointer.
func pointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
