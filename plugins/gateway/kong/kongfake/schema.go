package kongfake

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

//go:embed schemas.json
var schemasJSON []byte

// field is one of a plugin's configuration, as GET /schemas/plugins/{name} shows it.
type field struct {
	Type     string             `json:"type"`
	Required bool               `json:"required,omitempty"`
	Default  any                `json:"default,omitempty"`
	OneOf    []string           `json:"one_of,omitempty"`
	GT       *float64           `json:"gt,omitempty"`
	Elements *field             `json:"elements,omitempty"`
	Fields   []map[string]field `json:"fields,omitempty"`
}

// schemas are the fields of the configuration of each plugin that the server has.
var schemas = func() map[string][]map[string]field {
	var all map[string][]map[string]field
	if err := json.Unmarshal(schemasJSON, &all); err != nil {
		panic("kongfake: schemas.json: " + err.Error()) // it is part of the program
	}
	return all
}()

func schemaOf(w http.ResponseWriter, name string) {
	fields, known := schemas[name]
	if !known {
		answer(w, http.StatusNotFound, map[string]any{"message": "No plugin named '" + name + "'"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"fields": []any{
		map[string]any{"consumer": map[string]any{"type": "foreign", "reference": "consumers"}},
		map[string]any{"protocols": map[string]any{"type": "set", "elements": map[string]any{"type": "string"}}},
		map[string]any{"config": field{Type: "record", Required: true, Fields: fields}},
	}})
}

// filled is a configuration with the defaults of its fields; what has none is null.
func filled(fields []map[string]field, config map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, config)
	for _, one := range fields {
		for name, f := range one {
			given, _ := out[name].(map[string]any)
			switch {
			case f.Type == "record" && (given != nil || f.Required):
				out[name] = filled(f.Fields, given)
			case out[name] == nil:
				out[name] = f.Default
			}
		}
	}
	return out
}

// checked finds what is wrong with a configuration.
func checked(fields []map[string]field, config map[string]any) violations {
	wrong := violations{}
	known := map[string]bool{}
	for _, one := range fields {
		for name, f := range one {
			known[name] = true
			if fault := f.check(config[name]); fault != nil {
				wrong[name] = fault
			}
		}
	}
	for name := range config {
		if !known[name] {
			wrong[name] = "unknown field"
		}
	}
	return wrong
}

func (f field) check(v any) any {
	if v == nil {
		if f.Required {
			return "required field missing"
		}
		return nil
	}
	number, isNumber := v.(float64)
	_, isText := v.(string)
	list, isList := v.([]any)
	record, isRecord := v.(map[string]any)
	_, isBool := v.(bool)
	right := map[string]bool{"number": isNumber, "integer": isNumber && number == float64(int64(number)), "string": isText, "boolean": isBool, "array": isList, "set": isList, "record": isRecord, "map": isRecord}
	switch {
	case !right[f.Type]:
		return "expected a " + f.Type
	case f.GT != nil && number <= *f.GT:
		return fmt.Sprintf("value must be greater than %v", *f.GT)
	case f.OneOf != nil && !slices.Contains(f.OneOf, text(v)):
		return "expected one of: " + strings.Join(f.OneOf, ", ")
	case f.Type == "record":
		if wrong := checked(f.Fields, record); len(wrong) > 0 {
			return map[string]any(wrong)
		}
	case f.Elements != nil:
		for _, element := range list {
			if fault := f.Elements.check(element); fault != nil {
				return []any{fault}
			}
		}
	}
	return nil
}

// periods are the windows of rate-limiting, from the shortest on.
var periods = []string{"second", "minute", "hour", "day", "month", "year"}

// pluginRules are those that concern several members.
func pluginRules(name string, config map[string]any) violations {
	switch name {
	case "rate-limiting":
		return limitRules(config)
	case "acl":
		allow, deny := config["allow"] != nil, config["deny"] != nil
		if allow == deny {
			return violations{"@entity": []any{"exactly one of these fields must be non-empty: 'config.allow', 'config.deny'"}}
		}
	}
	return nil
}

func limitRules(config map[string]any) violations {
	shorter, least := "", 0.0
	for _, period := range periods {
		limit, set := config[period].(float64)
		if !set {
			continue
		}
		if shorter != "" && limit < least {
			return violations{"config": fmt.Sprintf("The limit for %s(%.1f) cannot be lower than the limit for %s(%.1f)", period, limit, shorter, least)}
		}
		shorter, least = period, limit
	}
	if shorter == "" {
		return violations{"@entity": []any{"at least one of these fields must be non-empty: 'config.second', 'config.minute', 'config.hour', 'config.day', 'config.month', 'config.year'"}}
	}
	return nil
}
