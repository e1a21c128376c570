package templating

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"slices"
)

// What the filters that are always there say about themselves. Types and descriptions are what clients of the reference
// read; the examples are this host's.
//
//go:embed filters.json
var ownFilters []byte

type extension struct {
	ID          string          `json:"id,omitempty"`
	Description string          `json:"description,omitempty"`
	Examples    json.RawMessage `json:"examples,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
}

// Extensions is what templates can call besides the language itself, in the JSON of GET /v2/templating-extensions: the
// scaffolder's filters, then those of plugins. A plugin's filter takes the place of the scaffolder's of that name, here as
// in templates.
func (e *Engine) Extensions() (json.RawMessage, error) {
	var all []extension
	if err := json.Unmarshal(ownFilters, &all); err != nil {
		return nil, err
	}
	for _, f := range e.options.Filters() {
		x := extension{ID: f.ID, Description: f.Description, Examples: f.Examples, Schema: f.Schema}
		if at := slices.IndexFunc(all, func(own extension) bool { return own.ID == f.ID }); at >= 0 {
			all[at] = x
		} else {
			all = append(all, x)
		}
	}
	filters, err := objectByID(all)
	if err != nil {
		return nil, err
	}
	return slices.Concat(json.RawMessage(`{"filters":`), filters, json.RawMessage(`,"globals":{"functions":{},"values":{}}}`)), nil
}

// objectByID is a JSON object in the order of all, which a map would not keep.
func objectByID(all []extension) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, x := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(x.ID)
		if err != nil {
			return nil, err
		}
		x.ID = ""
		value, err := json.Marshal(x)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
