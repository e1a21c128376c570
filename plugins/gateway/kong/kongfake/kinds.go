package kongfake

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
)

// kind is a kind of entities.
type kind struct {
	path        string // of the collection: "key-auths"
	table       string // name of the entities elsewhere: "keyauth_credentials"
	nested      string // path below a parent: "key-auth"
	endpointKey string // member that paths may have in place of the id
	listOnly    bool   // the collection itself cannot be written, only below a parent
	fields      []string
	foreign     map[string]string // member → kind that it refers to
	required    []string          // foreign members that must be there
	unique      [][]string        // each a set of members
	restricts   bool              // what it refers to cannot be deleted before it
	fill        func(entity)
	check       func(entity) violations
}

// violations are the members that are wrong, by name; "@entity" has what concerns several.
type violations map[string]any

var kinds = []*kind{
	{
		path: "services", table: "services", nested: "services", endpointKey: "name",
		fields: []string{"name", "protocol", "host", "port", "path", "url", "retries", "connect_timeout", "read_timeout", "write_timeout", "enabled", "tags", "tls_verify", "tls_verify_depth", "ca_certificates", "client_certificate"},
		unique: [][]string{{"name"}}, fill: fillService, check: checkService,
	},
	{
		path: "routes", table: "routes", nested: "routes", endpointKey: "name",
		fields:  []string{"name", "protocols", "methods", "hosts", "paths", "headers", "snis", "sources", "destinations", "https_redirect_status_code", "regex_priority", "strip_path", "path_handling", "preserve_host", "request_buffering", "response_buffering", "tags", "service"},
		foreign: map[string]string{"service": "services"}, unique: [][]string{{"name"}}, restricts: true, fill: fillRoute, check: checkRoute,
	},
	{
		path: "consumers", table: "consumers", nested: "consumers", endpointKey: "username",
		fields: []string{"username", "custom_id", "tags"}, unique: [][]string{{"username"}, {"custom_id"}}, fill: nothing, check: checkConsumer,
	},
	{
		path: "plugins", table: "plugins", nested: "plugins", endpointKey: "instance_name",
		fields:  []string{"name", "instance_name", "config", "enabled", "protocols", "tags", "ordering", "service", "route", "consumer"},
		foreign: map[string]string{"service": "services", "route": "routes", "consumer": "consumers"},
		unique:  [][]string{{"name", "service", "route", "consumer"}, {"instance_name"}}, fill: fillPlugin, check: checkPlugin,
	},
	{
		path: "key-auths", table: "keyauth_credentials", nested: "key-auth", endpointKey: "key", listOnly: true,
		fields:  []string{"key", "ttl", "tags", "consumer"},
		foreign: map[string]string{"consumer": "consumers"}, required: []string{"consumer"}, unique: [][]string{{"key"}}, fill: fillKey, check: noViolations,
	},
	{
		path: "acls", table: "acls", nested: "acls", endpointKey: "group", listOnly: true,
		fields:  []string{"group", "tags", "consumer"},
		foreign: map[string]string{"consumer": "consumers"}, required: []string{"consumer"}, unique: [][]string{{"consumer", "group"}}, fill: nothing, check: checkGroup,
	},
}

// kindAt is the kind of a collection, kindBelow that of one below a parent.
func kindAt(path string) *kind {
	return kindWhere(func(k *kind) bool { return k.path == path })
}

func kindBelow(parent, nested string) *kind {
	return kindWhere(func(k *kind) bool { return k.nested == nested && k.refersTo(parent) != "" })
}

func kindWhere(is func(*kind) bool) *kind {
	if i := slices.IndexFunc(kinds, is); i >= 0 {
		return kinds[i]
	}
	return nil
}

// refersTo is the member by which the kind refers to another, "" = none.
func (k *kind) refersTo(other string) string {
	for field, to := range k.foreign {
		if to == other {
			return field
		}
	}
	return ""
}

func nothing(entity) {}

func noViolations(entity) violations { return nil }

// orElse sets members that are not there or null.
func orElse(e entity, defaults entity) {
	for name, value := range defaults {
		if e[name] == nil {
			e[name] = value
		}
	}
}

func fillService(e entity) {
	orElse(e, entity{
		"protocol": "http", "port": 80.0, "path": nil, "retries": 5.0, "connect_timeout": 60000.0, "read_timeout": 60000.0, "write_timeout": 60000.0,
		"enabled": true, "name": nil, "tls_verify": nil, "tls_verify_depth": nil, "ca_certificates": nil, "client_certificate": nil,
	})
}

func checkService(e entity) violations {
	if text(e["host"]) == "" {
		return violations{"host": "required field missing"}
	}
	if p, ok := e["path"].(string); ok && !strings.HasPrefix(p, "/") {
		return violations{"path": "should start with: /"}
	}
	if !slices.Contains([]string{"http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "ws", "wss"}, text(e["protocol"])) {
		return violations{"protocol": "expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp"}
	}
	return nil
}

func fillRoute(e entity) {
	orElse(e, entity{
		"protocols": []any{"http", "https"}, "https_redirect_status_code": 426.0, "regex_priority": 0.0, "strip_path": true, "path_handling": "v0",
		"preserve_host": false, "request_buffering": true, "response_buffering": true, "service": nil, "name": nil, "methods": nil, "hosts": nil,
		"paths": nil, "headers": nil, "snis": nil, "sources": nil, "destinations": nil,
	})
}

func checkRoute(e entity) violations {
	if e["paths"] == nil && e["hosts"] == nil && e["methods"] == nil && e["headers"] == nil && e["snis"] == nil {
		return violations{"@entity": []any{"must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https'"}}
	}
	for _, p := range texts(e["paths"]) {
		if !strings.HasPrefix(p, "/") && !strings.HasPrefix(p, "~/") {
			return violations{"paths": []any{"should start with: / (fixed path) or ~/ (regex path)"}}
		}
	}
	return nil
}

func checkConsumer(e entity) violations {
	if text(e["username"]) == "" && text(e["custom_id"]) == "" {
		return violations{"@entity": []any{"at least one of these fields must be non-empty: 'custom_id', 'username'"}}
	}
	return nil
}

func checkGroup(e entity) violations {
	if text(e["group"]) == "" {
		return violations{"group": "required field missing"}
	}
	return nil
}

// fillKey makes a key of 32 characters where none is given.
func fillKey(e entity) {
	if text(e["key"]) == "" {
		e["key"] = (rand.Text() + rand.Text())[:32]
	}
}

func fillPlugin(e entity) {
	orElse(e, entity{"enabled": true, "protocols": []any{"grpc", "grpcs", "http", "https"}, "service": nil, "route": nil, "consumer": nil, "instance_name": nil})
	config, _ := e["config"].(map[string]any)
	if fields, known := schemas[text(e["name"])]; known {
		e["config"] = filled(fields, config)
	}
}

func checkPlugin(e entity) violations {
	name := text(e["name"])
	if name == "" {
		return violations{"name": "required field missing"}
	}
	fields, known := schemas[name]
	if !known {
		return violations{"name": fmt.Sprintf("plugin '%s' not enabled; add it to the 'plugins' configuration property", name)}
	}
	config, _ := e["config"].(map[string]any)
	if wrong := checked(fields, config); len(wrong) > 0 {
		return violations{"config": map[string]any(wrong)}
	}
	return pluginRules(name, config)
}

// texts are the strings of an array.
func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, one := range list {
		out = append(out, text(one))
	}
	return out
}
