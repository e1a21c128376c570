package manager

import (
	"maps"
	"net/http"
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
)

// available are the plugins that the server has.
func (c *call) available() (any, error) {
	var node struct {
		Plugins struct {
			Available map[string]any `json:"available_on_server"`
		} `json:"plugins"`
	}
	err := c.to.client.Do(c.r.Context(), http.MethodGet, "/", nil, nil, &node) // not in a workspace
	names := slices.Sorted(maps.Keys(node.Plugins.Available))
	if names == nil {
		names = []string{}
	}
	return map[string]any{"plugins": names}, err
}

// at is the path of what plugins are put on: the service of the request, or its route.
func (c *call) at() []string {
	if name, named := c.values["service"]; named {
		return []string{"services", name, "plugins"}
	}
	return []string{"routes", c.values["route"], "plugins"}
}

func (c *call) associated() (any, error) {
	if err := c.visible(); err != nil {
		return nil, err
	}
	list, err := c.list(c.at()...)
	plugins := make([]map[string]any, 0, len(list))
	for _, p := range list {
		plugins = append(plugins, map[string]any{
			"name": p["name"], "id": p["id"], "tags": p["tags"], "enabled": p["enabled"], "createdAt": p["created_at"], "config": p["config"],
		})
	}
	return map[string]any{"plugins": plugins}, err
}

func (c *call) addPlugin() (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	if name, _ := body["name"].(string); name == "" {
		return nil, apierror.Inputf("config.name: is missing in the body")
	}
	for _, name := range []string{"id", "service", "route"} { // the path says where it belongs
		delete(body, name)
	}
	if err := c.change(); err != nil {
		return nil, err
	}
	var made map[string]any
	err = c.ask(http.MethodPost, body, &made, c.at()...)
	return made, err
}

// editPlugin marks what the portal has changed, as the original does.
func (c *call) editPlugin() (any, error) {
	config, err := c.body()
	if err != nil {
		return nil, err
	}
	if err := c.change(); err != nil {
		return nil, err
	}
	body := map[string]any{
		"config": config, "tags": []string{"devportal", "plugin-kong-service-manager"}, "protocols": []string{"https", "http"}, "enabled": true,
	}
	var changed map[string]any
	err = c.ask(http.MethodPatch, body, &changed, append(c.at(), c.values["plugin"])...)
	return changed, err
}

func (c *call) removePlugin() (any, error) {
	if err := c.change(); err != nil {
		return nil, err
	}
	return nil, c.ask(http.MethodDelete, nil, nil, append(c.at(), c.values["plugin"])...)
}

// field is one of a plugin's schema, member what the frontend's form is made of.
type (
	field struct {
		Type     string             `json:"type"`
		Required bool               `json:"required"`
		Default  any                `json:"default"`
		OneOf    []any              `json:"one_of"`
		Elements *field             `json:"elements"`
		Fields   []map[string]field `json:"fields"`
	}
	member struct {
		Name            string   `json:"name"`
		Type            string   `json:"type"`
		Required        bool     `json:"required"`
		DefaultValue    any      `json:"defaultValue,omitempty"`
		ArrayType       string   `json:"arrayType,omitempty"`
		IsMultipleArray bool     `json:"isMultipleArray"`
		ArrayOptions    []any    `json:"arrayOptions,omitempty"`
		RecordFields    []member `json:"recordFields,omitempty"`
	}
)

func (c *call) fields() (any, error) {
	var schema struct {
		Fields []map[string]field `json:"fields"`
	}
	if err := c.ask(http.MethodGet, nil, &schema, "schemas", "plugins", c.values["plugin"]); err != nil {
		if said := noSuchPlugin(err); said != nil {
			return nil, said
		}
		return nil, err
	}
	for _, one := range schema.Fields {
		if config, is := one["config"]; is {
			return map[string]any{"fields": members(config.Fields)}, nil
		}
	}
	return nil, apierror.Newf(apierror.ServiceUnavailable, "Kong %s describes plugin %s without a configuration", c.to.name, c.values["plugin"])
}

func members(fields []map[string]field) []member {
	list := []member{}
	for _, one := range fields {
		for name, f := range one {
			m := member{Name: name, Type: formType(f.Type), Required: f.Required, DefaultValue: f.Default}
			if f.Elements != nil {
				m.ArrayType, m.ArrayOptions, m.IsMultipleArray = f.Elements.Type, f.Elements.OneOf, f.Elements.OneOf != nil
				if f.Elements.Type == "record" {
					m.RecordFields = recordFields(f.Elements.Fields)
				}
			}
			list = append(list, m)
		}
	}
	return list
}

// recordFields are those of the records of a list: their options stand directly at them.
func recordFields(fields []map[string]field) []member {
	list := []member{}
	for _, one := range fields {
		for name, f := range one {
			list = append(list, member{Name: name, Type: f.Type, Required: f.Required, ArrayOptions: f.OneOf})
		}
	}
	return list
}

// formType is what the frontend knows of Kong's types.
func formType(kind string) string {
	switch kind {
	case "number", "integer":
		return "number"
	case "boolean", "array", "record":
		return kind
	}
	return "string"
}
