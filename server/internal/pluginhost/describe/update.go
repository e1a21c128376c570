package describe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// SchemaFile is the usual name of the settings' JSON Schema.
const SchemaFile = "settings.schema.json"

// Provided is what a manifest should say a process provides. What a process cannot know stays as it is in the manifest: the
// file of the routes' description, and the annotations that are read.
func Provided(d *pluginv1.DescribeResponse, now manifest.Provides) manifest.Provides {
	p := d.GetProvides()
	out := manifest.Provides{
		Catalog:         manifest.ProvidesCatalog{Providers: p.GetCatalogProviders(), Processors: p.GetCatalogProcessors(), Annotations: now.Catalog.Annotations},
		Scaffolder:      manifest.ProvidesScaffolder{Actions: p.GetScaffolderActions(), Filters: p.GetScaffolderFilters()},
		Search:          manifest.ProvidesSearch{Types: p.GetSearchTypes()},
		Widgets:         p.GetWidgets(),
		Tasks:           p.GetTasks(),
		Permissions:     p.GetPermissions(),
		PermissionRules: p.GetPermissionRules(),
		Events:          manifest.ProvidesEvents{Topics: p.GetEventTopics()},
	}
	if p.GetHttp() {
		out.HTTP = &manifest.HTTP{Unauthenticated: p.GetHttpUnauthenticated(), UserCookie: p.GetHttpUserCookie()}
		if now.HTTP != nil {
			out.HTTP.OpenAPI = now.HTTP.OpenAPI
		}
	}
	return out
}

// Update is the text of a manifest with what the process says it provides, and with the name of the settings' schema if
// there is none yet. Everything else stays byte for byte.
func Update(text []byte, m *manifest.Manifest, d *pluginv1.DescribeResponse) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("update %s: %w", manifest.File, err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if last := lines[len(lines)-1]; len(last) > 0 && !bytes.HasSuffix(last, []byte("\n")) {
		lines[len(lines)-1] = append(slices.Clone(last), '\n')
	}
	if d.GetSettingsSchemaJson() != "" && m.Config == "" {
		lines = append(lines, []byte("config: "+SchemaFile+"\n"))
	}
	provides := Provided(d, m.Provides)
	if same(provides, m.Provides) {
		return bytes.Join(lines, nil), nil
	}
	block, err := providesBlock(provides)
	if err != nil {
		return nil, err
	}
	from, to := place(doc.Content[0], lines)
	return bytes.Join(slices.Concat(lines[:from], [][]byte{block}, lines[to:]), nil), nil
}

// same compares without regard to order, which is the author's.
func same(a, b manifest.Provides) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	var left, right any
	return errX == nil && errY == nil && json.Unmarshal(x, &left) == nil && json.Unmarshal(y, &right) == nil &&
		reflect.DeepEqual(ordered(left), ordered(right))
}

func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = ordered(v[key])
		}
	case []any:
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return v
}

func providesBlock(p manifest.Provides) ([]byte, error) {
	if reflect.ValueOf(p).IsZero() {
		return nil, nil
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(map[string]manifest.Provides{"provides": p}); err != nil {
		return nil, fmt.Errorf("update %s: %w", manifest.File, err)
	}
	return out.Bytes(), enc.Close()
}

// place is the range of lines that provides takes; an empty one before needs or config, or at the end, if there is none.
// Comments above the next key belong to that key.
func place(root *yaml.Node, lines [][]byte) (from, to int) {
	before := len(lines)
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch key := root.Content[i]; key.Value {
		case "provides":
			from, to = key.Line-1, len(lines)
			if i+2 < len(root.Content) {
				to = root.Content[i+2].Line - 1
			}
			for to > from+1 && isComment(lines[to-1]) {
				to--
			}
			return from, to
		case "needs", "config":
			before = min(before, key.Line-1)
		}
	}
	for before > 0 && isComment(lines[before-1]) {
		before--
	}
	return before, before
}

func isComment(line []byte) bool {
	text := bytes.TrimSpace(line)
	return len(text) == 0 || text[0] == '#' && line[0] == '#'
}

// SameSchema tells whether two texts are the same JSON Schema. Which draft it is and what it is called may stand in one of
// them alone.
func SameSchema(a, b []byte) bool {
	var x, y map[string]any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	for _, key := range []string{"$schema", "$id"} {
		delete(x, key)
		delete(y, key)
	}
	return reflect.DeepEqual(x, y)
}

// PrettyJSON is the text as it is kept in files.
func PrettyJSON(text []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return nil, fmt.Errorf("the settings' schema is not JSON: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}

// Unused says what the manifest announces and the process does not offer: in order, and worth a remark.
func Unused(m *manifest.Manifest, d *pluginv1.DescribeResponse) []string {
	p := d.GetProvides()
	var out []string
	for _, c := range []struct {
		at                 string
		announced, offered []string
	}{
		{"provides.catalog.providers", m.Provides.Catalog.Providers, p.GetCatalogProviders()},
		{"provides.catalog.processors", m.Provides.Catalog.Processors, p.GetCatalogProcessors()},
		{"provides.scaffolder.actions", m.Provides.Scaffolder.Actions, p.GetScaffolderActions()},
		{"provides.scaffolder.filters", m.Provides.Scaffolder.Filters, p.GetScaffolderFilters()},
		{"provides.search.types", m.Provides.Search.Types, p.GetSearchTypes()},
		{"provides.widgets", m.Provides.Widgets, p.GetWidgets()},
		{"provides.tasks", m.Provides.Tasks, p.GetTasks()},
		{"provides.permissions", m.Provides.Permissions, p.GetPermissions()},
		{"provides.permissionRules", m.Provides.PermissionRules, p.GetPermissionRules()},
		{"provides.events.topics", m.Provides.Events.Topics, p.GetEventTopics()},
	} {
		for _, name := range c.announced {
			if !slices.Contains(c.offered, name) {
				out = append(out, fmt.Sprintf("%s: %s announces %q, which the process does not offer", filepath.Join(m.Dir, manifest.File), c.at, name))
			}
		}
	}
	return out
}
