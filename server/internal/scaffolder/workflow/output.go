package workflow

import (
	"encoding/json"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// withoutHidden takes those entries out of the links and texts of an output whose condition is false, and the conditions
// out of the others.
func withoutHidden(output json.RawMessage) (json.RawMessage, error) {
	if jsvalue.First(output) != '{' {
		return output, nil
	}
	all, err := jsvalue.Members(output, unlimited)
	if err != nil {
		return nil, err
	}
	for i, m := range all {
		if (m.Key == "links" || m.Key == "text") && jsvalue.First(m.Value) == '[' {
			if all[i].Value, err = visible(m.Value); err != nil {
				return nil, err
			}
		}
	}
	return jsvalue.Object(all...), nil
}

func visible(list json.RawMessage) (json.RawMessage, error) {
	items, err := jsvalue.Members(list, unlimited)
	if err != nil {
		return nil, err
	}
	kept := []json.RawMessage{}
	for _, item := range items {
		if jsvalue.First(item.Value) != '{' {
			kept = append(kept, item.Value)
			continue
		}
		fields, err := jsvalue.Members(item.Value, unlimited)
		if err != nil {
			return nil, err
		}
		if rest, show := condition(fields); show {
			kept = append(kept, jsvalue.Object(rest...))
		}
	}
	return array(kept), nil
}

func condition(fields []jsvalue.Member) (rest []jsvalue.Member, show bool) {
	show = true
	for _, f := range fields {
		if f.Key == "if" {
			show = templating.Truthy(f.Value)
			continue
		}
		rest = append(rest, f)
	}
	return rest, show
}

// exampleOutput is something of the form that a schema describes, for actions that a dry run does not call. Nil = undefined.
func exampleOutput(schema json.RawMessage) json.RawMessage {
	var s struct {
		Type       json.RawMessage
		Examples   json.RawMessage
		Properties json.RawMessage
		Items      json.RawMessage
	}
	_ = json.Unmarshal(schema, &s) // a schema that is not an object says nothing
	if jsvalue.First(s.Examples) == '[' {
		return head(s.Examples)
	}
	switch text(s.Type) {
	case "object":
		properties, _ := jsvalue.Members(orEmpty(s.Properties), unlimited)
		var all []jsvalue.Member
		for _, p := range properties {
			if value := exampleOutput(p.Value); value != nil {
				all = append(all, member(p.Key, value))
			}
		}
		return jsvalue.Object(all...)
	case "array":
		if jsvalue.First(s.Items) == '[' {
			s.Items = head(s.Items)
		}
		if !templating.Truthy(s.Items) {
			return json.RawMessage("[]")
		}
		return array([]json.RawMessage{exampleOutput(s.Items)})
	case "string":
		return jsvalue.Quote("<example>")
	case "number":
		return json.RawMessage("0")
	case "boolean":
		return json.RawMessage("false")
	}
	return jsvalue.Quote("<unknown>")
}

// head is the first item of an array.
func head(list json.RawMessage) json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil || len(items) == 0 {
		return nil
	}
	return items[0]
}
