package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Schema says which values a frontend may see. It is read from the .config-schema.json that a build of a Backstage
// frontend carries: JSON Schemas of all its packages with the keywords visibility, deepVisibility and deprecated.
type Schema struct{ packages []*schemaNode }

// ParseSchema reads the text of a .config-schema.json.
func ParseSchema(text []byte) (*Schema, error) {
	var file struct {
		Version int `json:"backstageConfigSchemaVersion"`
		Schemas []struct {
			PackageName string          `json:"packageName"`
			Value       json.RawMessage `json:"value"`
		} `json:"schemas"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read config schema: %w", err)
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("read config schema: version %d is not known, only 1", file.Version)
	}
	s := &Schema{}
	for _, p := range file.Schemas {
		root := new(schemaNode)
		if err := json.Unmarshal(p.Value, root); err != nil {
			return nil, fmt.Errorf("read config schema of %s: %w", p.PackageName, err)
		}
		s.packages = append(s.packages, root)
	}
	return s, nil
}

// builtinKeys are the keys that the stock frontend's schema shows. A trailing ** is a deep visibility, * any key, []
// the items of a list.
var builtinKeys = []string{
	"app.baseUrl", "app.title", "app.extensions.**", "app.packages", "app.packages.**", "app.pluginOverrides.**",
	"app.routes.bindings.**", "app.support.url", "app.support.items[].title", "app.support.items[].icon",
	"app.support.items[].links[].title", "app.support.items[].links[].url", "app.analytics.ga.measurementId",
	"app.analytics.ga4.measurementId", "app.googleAnalyticsTrackingId", "app.datadogRum.applicationId",
	"app.datadogRum.clientToken", "app.datadogRum.env", "app.datadogRum.site", "app.datadogRum.sessionSampleRate",
	"app.datadogRum.sessionReplaySampleRate",
	"auth.environment", "auth.autologout.enabled", "auth.autologout.idleTimeoutMinutes",
	"auth.autologout.logoutIfDisconnected", "auth.autologout.promptBeforeIdleSeconds", "auth.autologout.useWorkerTimers",
	"backend.baseUrl", "catalog.experimentalPagination.**", "catalog.import.entityFilename",
	"catalog.import.pullRequestBranchName", "discovery.endpoints[].target", "discovery.endpoints[].target.external",
	"discovery.endpoints[].plugins[]", "enableExperimentalRedirectFlow",
	"home.recentVisits.filterBy[].field", "home.recentVisits.filterBy[].operator", "home.recentVisits.filterBy[].value",
	"home.topVisits.filterBy[].field", "home.topVisits.filterBy[].operator", "home.topVisits.filterBy[].value",
	"homepage.clocks[].label", "homepage.clocks[].timezone",
	"integrations", "integrations.awsS3[].endpoint", "integrations.awsS3[].s3ForcePathStyle", "integrations.azure[].host",
	"integrations.azureBlobStorage[].endpoint", "integrations.bitbucketServer[].host",
	"integrations.bitbucketServer[].apiBaseUrl", "integrations.gerrit[].host", "integrations.gerrit[].baseUrl",
	"integrations.gerrit[].cloneUrl", "integrations.gerrit[].gitilesBaseUrl", "integrations.gerrit[].disableEditUrl",
	"integrations.gitea[].host", "integrations.gitea[].baseUrl", "integrations.github[].host",
	"integrations.github[].apiBaseUrl", "integrations.github[].rawBaseUrl", "integrations.gitlab[].host",
	"integrations.gitlab[].apiBaseUrl", "integrations.gitlab[].baseUrl", "integrations.harness[].host",
	"kubernetes.frontend.podDelete.enabled", "kubernetes.podExecTerminal.enabled", "organization.name",
	"permission.enabled", "permission.EXPERIMENTAL_enableBatchedRequests", "search.defaultType", "search.query.pageLimit",
	"techdocs.builder", "techdocs.legacyUseCaseSensitiveTripletPaths", "techdocs.sanitizer.allowedIframeHosts[]",
	"techdocs.sanitizer.additionalAllowedURIProtocols[]", "techdocs.sanitizer.allowedCustomElementTagNameRegExp",
	"techdocs.sanitizer.allowedCustomElementAttributeNameRegExp",
}

// BuiltinSchema shows the well-known keys of the stock frontend, for a build that has no schema file. Keys of other
// frontend packages are not in it.
func BuiltinSchema() *Schema {
	root := new(schemaNode)
	for _, key := range builtinKeys {
		root.show(strings.Split(strings.ReplaceAll(key, "[]", ".[]"), "."))
	}
	return &Schema{packages: []*schemaNode{root}}
}

func (s *schemaNode) show(path []string) {
	switch {
	case len(path) == 0:
		s.Visibility = visibleFrontend
	case path[0] == "**":
		s.DeepVisibility = visibleFrontend
	case path[0] == "[]":
		if s.Items == nil {
			s.Items = new(schemaNode)
		}
		s.Items.show(path[1:])
	default:
		if s.Properties == nil {
			s.Properties = map[string]*schemaNode{}
		}
		if s.Properties[path[0]] == nil {
			s.Properties[path[0]] = new(schemaNode)
		}
		s.Properties[path[0]].show(path[1:])
	}
}

type visibility string

const (
	visibleFrontend visibility = "frontend"
	visibleSecret   visibility = "secret"
)

// schemaNode is the part of JSON Schema that config schemas are made of. Keywords that only narrow a value further
// (pattern, minLength, format) are left out: they decide nothing about visibility.
type schemaNode struct {
	Ref                  string                 `json:"$ref"`
	Definitions          map[string]*schemaNode `json:"definitions"`
	Type                 typeNames              `json:"type"`
	Properties           map[string]*schemaNode `json:"properties"`
	AdditionalProperties *schemaNode            `json:"additionalProperties"`
	Required             []string               `json:"required"`
	Items                *schemaNode            `json:"items"`
	AnyOf                []*schemaNode          `json:"anyOf"`
	OneOf                []*schemaNode          `json:"oneOf"`
	AllOf                []*schemaNode          `json:"allOf"`
	Const                json.RawMessage        `json:"const"`
	Enum                 []any                  `json:"enum"`
	Visibility           visibility             `json:"visibility"`
	DeepVisibility       visibility             `json:"deepVisibility"`
	Deprecated           deprecation            `json:"deprecated"`

	never bool // the schema false
}

// UnmarshalJSON also reads the schemas true and false, and takes a list of item schemas for one that fits none.
func (s *schemaNode) UnmarshalJSON(text []byte) error {
	switch text[0] {
	case 't':
		return nil
	case 'f':
		s.never = true
		return nil
	case '[':
		return nil
	}
	type plain schemaNode
	return json.Unmarshal(text, (*plain)(s))
}

type typeNames []string

func (t *typeNames) UnmarshalJSON(text []byte) error {
	if text[0] != '"' {
		return json.Unmarshal(text, (*[]string)(t))
	}
	var name string
	err := json.Unmarshal(text, &name)
	*t = typeNames{name}
	return err
}

// deprecation is a description; standard JSON Schema also allows a boolean.
type deprecation string

func (d *deprecation) UnmarshalJSON(text []byte) error {
	if text[0] != '"' {
		return nil
	}
	return json.Unmarshal(text, (*string)(d))
}

// marks are what schemas say about one value.
type marks struct {
	visible, deep visibility
	deprecated    deprecation
}

// marker collects the marks of the values of one configuration. Where packages disagree, secret wins over frontend.
type marker struct {
	marks map[*node]marks
	steps *int // shared by trials, bounds alternatives within alternatives
}

const maxSchemaSteps = 200_000

var errNoMatch = errors.New("does not match")

// rule is a schema and the package schema that its references lead into.
type rule struct {
	*schemaNode
	root *schemaNode
}

// apply marks n and what lies below by what all rules say together; the error tells that n does not fit them. Together
// means: a key that one package declares is no additional property of another. A value that does not fit still gets its
// marks where no alternative is to be chosen, as a frontend with one bad value should still start.
func (m *marker) apply(rules []rule, n *node, depth int) error {
	if *m.steps++; *m.steps > maxSchemaSteps || depth > 2*maxDepth {
		return errNoMatch
	}
	var err error
	rules = flatten(rules, nil)
	for _, r := range rules {
		m.mark(n, r.schemaNode)
		err = errors.Join(err, r.accepts(n), m.choose(r, r.AnyOf, n, depth), m.choose(r, r.OneOf, n, depth))
	}
	for _, key := range n.keys {
		if below := rulesOf(rules, key); len(below) > 0 {
			err = errors.Join(err, m.apply(below, n.fields[key], depth+1))
		}
	}
	var items []rule
	for _, r := range rules {
		if r.Items != nil {
			items = append(items, rule{r.Items, r.root})
		}
	}
	for _, item := range n.items {
		if len(items) > 0 {
			err = errors.Join(err, m.apply(items, item, depth+1))
		}
	}
	return err
}

// flatten resolves references and takes allOf apart.
func flatten(rules []rule, seen []*schemaNode) []rule {
	var flat []rule
	for _, r := range rules {
		if slices.Contains(seen, r.schemaNode) {
			continue
		}
		path := append(slices.Clip(seen), r.schemaNode)
		if r.Ref != "" {
			if target := r.definition(); target != nil {
				flat = append(flat, flatten([]rule{{target, r.root}}, path)...)
			}
			continue
		}
		flat = append(flat, r)
		for _, part := range r.AllOf {
			if part != nil {
				flat = append(flat, flatten([]rule{{part, r.root}}, path)...)
			}
		}
	}
	return flat
}

// rulesOf are the rules for one key of an object: those that name it, or else the ones for additional properties.
func rulesOf(rules []rule, key string) []rule {
	var named, additional []rule
	for _, r := range rules {
		if s := r.Properties[key]; s != nil {
			named = append(named, rule{s, r.root})
		} else if r.AdditionalProperties != nil && !r.AdditionalProperties.never {
			additional = append(additional, rule{r.AdditionalProperties, r.root})
		}
	}
	if len(named) > 0 {
		return named
	}
	return additional
}

// choose applies the first alternative that n fits.
func (m *marker) choose(r rule, alternatives []*schemaNode, n *node, depth int) error {
	if len(alternatives) == 0 {
		return nil
	}
	for _, alternative := range alternatives {
		if alternative == nil {
			continue
		}
		trial := &marker{marks: map[*node]marks{}, steps: m.steps}
		if trial.apply([]rule{{alternative, r.root}}, n, depth+1) != nil {
			continue
		}
		for marked, what := range trial.marks {
			m.add(marked, what)
		}
		return nil
	}
	return errNoMatch
}

func (r rule) definition() *schemaNode {
	name, ok := strings.CutPrefix(r.Ref, "#/definitions/")
	if !ok {
		return nil
	}
	return r.root.Definitions[name]
}

func (m *marker) mark(n *node, s *schemaNode) {
	if s.Visibility != "" || s.DeepVisibility != "" || s.Deprecated != "" {
		m.add(n, marks{visible: s.Visibility, deep: s.DeepVisibility, deprecated: s.Deprecated})
	}
}

func (m *marker) add(n *node, more marks) {
	have := m.marks[n]
	have.visible = stricter(have.visible, more.visible)
	have.deep = stricter(have.deep, more.deep)
	if more.deprecated != "" {
		have.deprecated = more.deprecated
	}
	m.marks[n] = have
}

func stricter(a, b visibility) visibility {
	switch {
	case a == visibleSecret || b == visibleSecret:
		return visibleSecret
	case a == visibleFrontend || b == visibleFrontend:
		return visibleFrontend
	default:
		return ""
	}
}

// accepts checks what s says about n alone. Types are coerced as the reference does: "8080" is a number.
func (s *schemaNode) accepts(n *node) error {
	if s.never {
		return errNoMatch
	}
	if len(s.Type) > 0 && !slices.ContainsFunc(s.Type, func(name string) bool { return fits(n, name) }) {
		return errNoMatch
	}
	if n.kind == objectKind {
		for _, key := range s.Required {
			if n.fields[key] == nil {
				return errNoMatch
			}
		}
	}
	if s.Const != nil {
		var want any
		if err := json.Unmarshal(s.Const, &want); err != nil || !reflect.DeepEqual(want, n.value()) {
			return errNoMatch
		}
	}
	if s.Enum != nil && !slices.ContainsFunc(s.Enum, func(want any) bool { return reflect.DeepEqual(want, n.value()) }) {
		return errNoMatch
	}
	return nil
}

func fits(n *node, name string) bool {
	switch name {
	case "object":
		return n.kind == objectKind
	case "array":
		return n.kind == listKind
	case "string":
		return n.kind == stringKind || n.kind == numberKind || n.kind == boolKind
	case "number", "integer":
		f, err := numberOf(n, "")
		return err == nil && (name == "number" || whole(f))
	case "boolean":
		return n.kind == boolKind || n.kind == stringKind && (n.text == "true" || n.text == "false")
	case "null":
		return n.kind == nullKind
	default:
		return false
	}
}
