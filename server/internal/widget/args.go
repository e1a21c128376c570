package widget

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/callboard/callboard/sdk/apierror"
)

// arguments holds what viewers ask for to the widgets' schemas. Schemas are compiled once; they change with a plugin.
type arguments struct {
	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
}

// maxArgs bounds the JSON of arguments, and maxSchemas how many schemas are remembered.
const (
	maxArgs    = 16 << 10
	maxSchemas = 1000
)

// check is an InputError that names the argument and the rule.
func (a *arguments) check(d Description, args json.RawMessage) error {
	if d.Submits {
		return a.incomplete(d, args)
	}
	failed, err := a.validate(d, args)
	if err == nil && failed != nil {
		err = apierror.Inputf("args: %s", wrong(failed))
	}
	return err
}

// validate holds arguments to the widget's schema. An error is about what is no object, or about the schema.
func (a *arguments) validate(d Description, args json.RawMessage) (*jsonschema.ValidationError, error) {
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	if len(args) > maxArgs {
		return nil, apierror.Inputf("args: must have at most %d bytes", maxArgs)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(args))
	object, isObject := value.(map[string]any)
	if err != nil || !isObject {
		return nil, apierror.Inputf(`args: must be a JSON object, such as {"top":5}`)
	}
	if d.ArgsSchema == nil {
		if len(object) > 0 {
			return nil, apierror.Inputf("args: the widget %s has no arguments", string(d.ID))
		}
		return nil, nil
	}
	schema, err := a.schema(d.ArgsSchema)
	if err != nil {
		return nil, fmt.Errorf("widget %s: schema of its arguments: %w", d.ID, err)
	}
	return asValidation(schema.Validate(value)), nil
}

func (a *arguments) schema(text json.RawMessage) (*jsonschema.Schema, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.compiled[string(text)]; s != nil {
		return s, nil
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nothingElse{})
	if err := c.AddResource("args", document); err != nil {
		return nil, err
	}
	s, err := c.Compile("args")
	if err != nil {
		return nil, err
	}
	if a.compiled == nil || len(a.compiled) >= maxSchemas {
		a.compiled = map[string]*jsonschema.Schema{}
	}
	a.compiled[string(text)] = s
	return s, nil
}

// nothingElse refuses every document that a schema points to: a schema must not make the host fetch or read.
type nothingElse struct{}

func (nothingElse) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema of arguments must not refer to other documents, such as %s", url)
}

// wrong names the first place and rule that fails.
func wrong(e *jsonschema.ValidationError) string {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	rule := e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	if len(e.InstanceLocation) == 0 {
		return rule
	}
	return strings.Join(e.InstanceLocation, ".") + ": " + rule
}
