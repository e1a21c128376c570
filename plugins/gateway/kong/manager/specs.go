package manager

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// noSuchPlugin tells Kong's answer to the schema of an unknown plugin from that of something that is no Admin API; nil = it
// is not Kong's.
func noSuchPlugin(err error) error {
	refusal, refused := rest.RefusalOf(err)
	if !refused || refusal.Status != http.StatusNotFound || !strings.HasPrefix(rest.Saying(refusal.Body), "No plugin named") {
		return nil
	}
	return &apierror.Error{Name: apierror.NotFound, Message: rest.Saying(refusal.Body), Cause: refusal}
}

// entityRef is the ref of an entity that a path names, in the namespace default unless it says another.
func entityRef(kind, name string) string {
	if !strings.Contains(name, "/") {
		name = "default/" + name
	}
	return strings.ToLower(kind) + ":" + name
}

// specs are the APIs that an entity provides, as far as the caller may read them.
func (c *call) specs() (any, error) {
	catalog := c.host.Catalog.As(c.caller)
	e, err := c.entity(entityRef(c.values["kind"], c.values["entity"]))
	if err != nil {
		return nil, err
	}
	list := []sdk.Entity{}
	for _, ref := range related(e, "providesApi") {
		api, err := catalog.Entity(c.r.Context(), ref)
		if errors.Is(err, sdk.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, api)
	}
	return map[string]any{"specs": list}, nil
}

func (c *call) entity(ref string) (sdk.Entity, error) {
	e, err := c.host.Catalog.As(c.caller).Entity(c.r.Context(), ref)
	if errors.Is(err, sdk.ErrNotFound) || errors.Is(err, sdk.ErrInput) { // a name that no entity can have
		return nil, apierror.NotFoundf("Entity %s not found", rest.Line(ref))
	}
	return e, err
}

// longestDefinition bounds what is read of an API's definition.
const longestDefinition = 1 << 20

// specPlugins are the members x-kong-… of an API's OpenAPI definition.
func (c *call) specPlugins() (any, error) {
	ref := entityRef("api", c.values["entity"])
	e, err := c.entity(ref)
	if err != nil {
		return nil, err
	}
	plugins, err := pluginsOf(e)
	if err != nil {
		return nil, apierror.Inputf("the definition of %s: %v", rest.Line(ref), err)
	}
	return map[string]any{"plugins": plugins}, nil
}

func pluginsOf(e sdk.Entity) ([]any, error) {
	spec, _ := e["spec"].(map[string]any)
	definition, _ := spec["definition"].(string)
	if len(definition) > longestDefinition {
		return nil, errors.New("it is too long")
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(definition), &document); err != nil {
		return nil, errors.New("it is no YAML")
	}
	plugins := []any{}
	members := topLevel(&document)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !strings.HasPrefix(name, "x-kong") || aliased(members[name]) {
			continue
		}
		var plugin map[string]any
		if members[name].Decode(&plugin) == nil && plugin != nil {
			plugins = append(plugins, plugin)
		}
	}
	return plugins, nil
}

func topLevel(document *yaml.Node) map[string]*yaml.Node {
	members := map[string]*yaml.Node{}
	if document.Kind != yaml.DocumentNode || document.Content[0].Kind != yaml.MappingNode {
		return members
	}
	content := document.Content[0].Content
	for i := 0; i+1 < len(content); i += 2 {
		members[content[i].Value] = content[i+1]
	}
	return members
}

// aliased reports whether a node has aliases, which could make a short text a long one.
func aliased(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, aliased)
}
