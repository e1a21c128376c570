package draw

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// formSchema is what a form needs of a JSON Schema. Members that are not known make no difference: the schema is what
// values are held to afterwards.
type formSchema struct {
	Properties properties `json:"properties"`
	Required   []string   `json:"required"`
}

// properties are in the order in which they stand, which is that of the form.
type properties []property

type property struct {
	name  string
	about fieldSchema
}

type fieldSchema struct {
	Type        oneOrMore    `json:"type"`
	Title       string       `json:"title"`
	Description string       `json:"description"`
	Format      string       `json:"format"`
	Pattern     string       `json:"pattern"`
	Enum        []any        `json:"enum"`
	Const       any          `json:"const"`
	Default     any          `json:"default"`
	Minimum     json.Number  `json:"minimum"`
	Maximum     json.Number  `json:"maximum"`
	MinLength   int          `json:"minLength"`
	MaxLength   int          `json:"maxLength"`
	WriteOnly   bool         `json:"writeOnly"`
	Items       *fieldSchema `json:"items"`
}

// oneOrMore is a type, or a list of them.
type oneOrMore []string

// UnmarshalJSON implements [json.Unmarshaler].
func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *properties) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, errors.New("properties: must be an object"))
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		one := property{name: name}
		if err := decodeField(raw, &one.about); err != nil {
			return fmt.Errorf("properties: %s: %w", name, err)
		}
		*p = append(*p, one)
	}
	return nil
}

// decodeField takes "true" for a schema of anything, as JSON Schema does, and keeps numbers as they are written.
func decodeField(raw json.RawMessage, into *fieldSchema) error {
	if len(raw) > 0 && raw[0] != '{' {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}

func readSchema(text json.RawMessage) (s formSchema, err error) {
	if len(text) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("the schema of a form: %w", err)
	}
	return s, nil
}

// control is what a field is filled in with.
type control int

const (
	lineControl control = iota
	linesControl
	numberControl
	checkControl
	selectControl
	checksControl
	listControl // a text for each line
	jsonControl
)

// severalLines is from how many characters on a text has several lines.
const severalLines = 200

func (f fieldSchema) control(choices bool) control {
	choices = choices || len(f.Enum) > 0
	switch {
	case f.is("boolean"):
		return checkControl
	case f.is("array") && f.Items != nil && (choices || len(f.Items.Enum) > 0):
		return checksControl
	case f.is("array") && f.Items != nil && f.Items.is("string"):
		return listControl
	case f.is("array"), f.is("object"), len(f.Type) == 0 && !choices:
		return jsonControl
	case choices:
		return selectControl
	case f.is("integer"), f.is("number"):
		return numberControl
	case f.MaxLength > severalLines && f.Format == "" && !f.WriteOnly:
		return linesControl
	}
	return lineControl
}

func (f fieldSchema) is(kind string) bool { return slices.Contains(f.Type, kind) }

// mustBeYes: a box that has to be ticked, since no other value is allowed.
func (f fieldSchema) mustBeYes() bool {
	return f.Const == true || len(f.Enum) == 1 && f.Enum[0] == true
}

// ArgPrefix is before the names of a form's fields, beside those of what travels with it.
const ArgPrefix = "args."

// maxFields bounds how many values of a form are read.
const maxFields = 2000

// Filled makes arguments of what a browser sends for a form of that schema. A field that is left empty is left out; what
// cannot be of its type stays a text, for the schema to complain about. Names that are not fields are left out.
func Filled(schema json.RawMessage, sent url.Values) (json.RawMessage, error) {
	s, err := readSchema(schema)
	if err != nil {
		return nil, err
	}
	args := map[string]any{}
	for _, p := range s.Properties[:min(len(s.Properties), maxFields)] {
		if v, there := p.about.read(sent[ArgPrefix+p.name]); there {
			args[p.name] = v
		}
	}
	return json.Marshal(args)
}

// read is the value of what was sent for a field.
func (f fieldSchema) read(sent []string) (any, bool) {
	switch {
	case f.is("boolean"):
		return len(sent) > 0 && sent[len(sent)-1] == "true", true
	case f.is("array") && f.Items != nil:
		return f.readList(sent)
	case len(sent) == 0 || sent[0] == "":
		return nil, false
	case f.is("integer"), f.is("number"), f.is("object"), f.is("array"), len(f.Type) == 0:
		return scalar(sent[0], f.is("object") || f.is("array") || len(f.Type) == 0), true
	}
	return strings.ReplaceAll(sent[0], "\r\n", "\n"), true
}

func (f fieldSchema) readList(sent []string) (any, bool) {
	list := []any{}
	for _, text := range sent {
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			switch {
			case line == "":
			case f.Items.is("string"):
				list = append(list, line)
			default:
				list = append(list, scalar(line, true))
			}
		}
	}
	return list, len(list) > 0
}

// scalar is a number as it is written, or any JSON value; what is none stays a text.
func scalar(text string, anything bool) any {
	trimmed := strings.TrimSpace(text)
	if !json.Valid([]byte(trimmed)) {
		return text
	}
	if _, err := strconv.ParseFloat(trimmed, 64); err != nil && !anything {
		return text
	}
	return json.RawMessage(trimmed)
}
