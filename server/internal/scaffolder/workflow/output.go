package workflow

import (
	"encoding/json"

	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// withoutHidden takes those entries out of the links and texts of an output whose condition is false, and the conditions
// out of the others.
func withoutHidden(output json.RawMessage) (json.RawMessage, error) {
	if first(output) != '{' {
		return output, nil
	}
	all, err := members(output, unlimited)
	if err != nil {
		return nil, err
	}
	for i, m := range all {
		if (m.key == "links" || m.key == "text") && first(m.value) == '[' {
			if all[i].value, err = visible(m.value); err != nil {
				return nil, err
			}
		}
	}
	return object(all...), nil
}

func visible(list json.RawMessage) (json.RawMessage, error) {
	items, err := members(list, unlimited)
	if err != nil {
		return nil, err
	}
	kept := []json.RawMessage{}
	for _, item := range items {
		if first(item.value) != '{' {
			kept = append(kept, item.value)
			continue
		}
		fields, err := members(item.value, unlimited)
		if err != nil {
			return nil, err
		}
		if rest, show := condition(fields); show {
			kept = append(kept, object(rest...))
		}
	}
	return array(kept), nil
}

func condition(fields []member) (rest []member, show bool) {
	show = true
	for _, f := range fields {
		if f.key == "if" {
			show = templating.Truthy(f.value)
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
	if first(s.Examples) == '[' {
		return head(s.Examples)
	}
	switch text(s.Type) {
	case "object":
		properties, _ := members(orEmpty(s.Properties), unlimited)
		var all []member
		for _, p := range properties {
			if value := exampleOutput(p.value); value != nil {
				all = append(all, member{p.key, value})
			}
		}
		return object(all...)
	case "array":
		if first(s.Items) == '[' {
			s.Items = head(s.Items)
		}
		if !templating.Truthy(s.Items) {
			return json.RawMessage("[]")
		}
		return array([]json.RawMessage{exampleOutput(s.Items)})
	case "string":
		return quote("<example>")
	case "number":
		return json.RawMessage("0")
	case "boolean":
		return json.RawMessage("false")
	}
	return quote("<unknown>")
}

// head is the first item of an array.
func head(list json.RawMessage) json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil || len(items) == 0 {
		return nil
	}
	return items[0]
}
