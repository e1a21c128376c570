package kongfake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// problem is an error of the Admin API.
type problem struct {
	Message string         `json:"message"`
	Name    string         `json:"name"`
	Code    int            `json:"code"`
	Fields  map[string]any `json:"fields,omitempty"`

	status int
}

// send answers with the problem. Kong has no name and code for what no entity is at.
func (p *problem) send(w http.ResponseWriter) {
	if p.Code == 0 {
		answer(w, p.status, map[string]any{"message": p.Message})
		return
	}
	answer(w, p.status, p)
}

func notFound() *problem { return &problem{Message: "Not found", status: http.StatusNotFound} }

func methodNotAllowed() *problem {
	return &problem{Message: "Method not allowed", status: http.StatusMethodNotAllowed}
}

func badBody() *problem {
	return &problem{Message: "Cannot parse JSON body", status: http.StatusBadRequest}
}

func violated(v violations) *problem {
	list := describe("", v)
	message := fmt.Sprintf("%d schema violations (%s)", len(list), strings.Join(list, "; "))
	if len(list) == 1 {
		message = "schema violation (" + list[0] + ")"
	}
	return &problem{message, "schema violation", 2, v, http.StatusBadRequest}
}

func describe(prefix string, v map[string]any) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(v)) {
		switch fault := v[name].(type) {
		case map[string]any:
			list = append(list, describe(prefix+name+".", fault)...)
		case []any:
			for _, one := range fault {
				text := fmt.Sprint(one)
				if name != "@entity" {
					text = prefix + name + ": " + text
				}
				list = append(list, text)
			}
		default:
			list = append(list, fmt.Sprintf("%s%s: %v", prefix, name, fault))
		}
	}
	return list
}

func taken(primary string) *problem {
	return &problem{fmt.Sprintf("primary key violation on key '{id=%q}'", primary), "primary key violation", 3, map[string]any{"id": primary}, http.StatusBadRequest}
}

func unresolved(field, kind, id string) *problem {
	return &problem{
		fmt.Sprintf("the foreign key '{id=%q}' does not reference an existing '%s' entity.", id, kind), "foreign key violation", 4,
		map[string]any{field: map[string]any{"id": id}}, http.StatusBadRequest,
	}
}

func referenced(child, parent string) *problem {
	return &problem{
		fmt.Sprintf("an existing '%s' entity references this '%s' entity", child, parent), "foreign key violation", 4,
		map[string]any{"@referenced_by": child}, http.StatusBadRequest,
	}
}

func duplicate(values map[string]any) *problem {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, fmt.Sprintf("%s=%q", name, values[name]))
	}
	return &problem{
		"UNIQUE violation detected on '{" + strings.Join(parts, ",") + "}'", "unique constraint violation", 5, values, http.StatusConflict,
	}
}

func badOffset(offset string) *problem {
	return &problem{fmt.Sprintf("'%s' is not a valid offset: bad base64 encoding", offset), "invalid offset", 7, nil, http.StatusBadRequest}
}

func badSize(message string) *problem {
	return &problem{message, "invalid size", 9, nil, http.StatusBadRequest}
}

func badTags() *problem {
	return &problem{
		"invalid option (tags: must be a string, e.g. 'tag1,tag2' or 'tag1/tag2', and never both)", "invalid options", 11, nil, http.StatusBadRequest,
	}
}

func unsupported(operation, table string) *problem {
	return &problem{
		fmt.Sprintf("cannot %s '%s' entities when not using a database", operation, table), "operation unsupported", 12, nil, http.StatusMethodNotAllowed,
	}
}

func unreachable() *problem {
	return &problem{Message: "An unexpected error occurred", status: http.StatusInternalServerError}
}
