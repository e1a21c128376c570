// Package templating is the template language of the scaffolder: the reference's own engine (npm nunjitsu) and its
// validator of values (npm jsonschema), bundled and run in QuickJS with limits on memory, time and stack. Nothing of the
// host is reachable from a template but the filters that are handed in. Values cross as JSON text, so that numbers and the
// order of keys stay as they were. Contract page: scaffolder, §4.
package templating

import (
	"context"
	"encoding/json"
)

// Scope is what a template can see.
type Scope struct {
	// Variables is an object: parameters, steps, user, context, environment, each.
	Variables json.RawMessage
	// Each is one more variable, "each": {"key":…,"value":…}; nil = none. It is apart so that the iterations of a step share
	// their Variables, which an engine may then prepare once.
	Each json.RawMessage
	// Secrets are {"secrets":{…},"environment":{"secrets":{…}}}. Each of the two objects takes the place of what Variables
	// has there; nil = none. What a result owes to them is reported.
	Secrets json.RawMessage
	// Plain are variables that differ without the secrets, by name, as each does when its items were made of secrets:
	// {"each":{"key":…,"value":…}}. It matters for Tainted alone; nil = none.
	Plain json.RawMessage
	// Failed is what failure() answers; always() is true. Nil = both are unknown, as in files.
	Failed *bool
}

// Result is a rendered value.
type Result struct {
	// Value is nil when it is undefined: the whole is one interpolation of something that is not there.
	Value json.RawMessage
	// Plain is the value rendered without the secrets; nil when there are none, or when it is undefined.
	Plain json.RawMessage
	// Tainted are the strings in Value, keys among them, that would be others without the secrets.
	Tainted []string
	// StatusRead tells that always() or failure() was called. A step's condition that calls neither does not make it run
	// after a failed step.
	StatusRead bool
}

// FileOptions say how texts of files are rendered.
type FileOptions struct {
	CookiecutterCompat, TrimBlocks, LstripBlocks bool
}

// Filter is a function that templates call by name: ${{ value | name(argument) }}. Call has a deadline in ctx and is called
// on the goroutine that renders; what it answers is copied into the template's world.
type Filter struct {
	ID          string
	Description string
	Schema      json.RawMessage // {"input":…,"arguments":[…],"output":…}, nil = none
	Examples    json.RawMessage // [{"description","example","notes"}], nil = none
	Call        func(ctx context.Context, input json.RawMessage, arguments []json.RawMessage) (json.RawMessage, error)
}

// Violation is one way in which a value does not fit its schema, in the JSON of npm jsonschema that clients read:
// {path, property, message, schema, instance, name, argument, stack}.
type Violation struct {
	Path     []any           `json:"path"`
	Property string          `json:"property"`
	Message  string          `json:"message"`
	Schema   json.RawMessage `json:"schema,omitempty"`
	Instance json.RawMessage `json:"instance,omitempty"`
	Name     string          `json:"name"`
	Argument json.RawMessage `json:"argument,omitempty"`
	Stack    string          `json:"stack"`
}

// Language renders templates and checks values. Safe for concurrent use. Errors of limits are InputErrors that name the
// limit; ctx ends a call early.
type Language interface {
	// Value renders every string within template, which is any JSON value, as the reference renders inputs: a string with an
	// error in it stays as it is, and an undefined value takes its key away.
	Value(ctx context.Context, template json.RawMessage, s Scope) (Result, error)
	// Files begins rendering texts of files, which all see variables. Close ends it.
	Files(ctx context.Context, variables json.RawMessage, o FileOptions) (Files, error)
	// Validate checks value against schema. property is what the value is called in messages: "instance" or "secrets".
	Validate(ctx context.Context, schema, value json.RawMessage, property string) ([]Violation, error)
}

// Files renders texts in which, unlike in inputs, an error fails the rendering. Not for concurrent use.
type Files interface {
	Render(ctx context.Context, text string) (string, error)
	Close()
}
