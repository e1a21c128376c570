package permission

import (
	"encoding/json"
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

// refs is one resource ref or a list of them: the answer has the same form.
type refs struct {
	values []string
	single bool
}

func (r *refs) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*r = refs{values: []string{one}, single: true}
		return nil
	}
	return json.Unmarshal(b, &r.values)
}

func (r refs) answer(results []Result) any {
	if r.single {
		return results[0]
	}
	return results
}

// query is one item of an authorize request; ResourceRef is nil when missing.
type query struct {
	ID          string     `json:"id"`
	ResourceRef *refs      `json:"resourceRef"`
	Permission  Permission `json:"permission"`
}

// answer is one item of an authorize response; Result is a [Result] or a list of them.
type answer struct {
	ID           string    `json:"id"`
	Result       any       `json:"result"`
	PluginID     string    `json:"pluginId,omitempty"`
	ResourceType string    `json:"resourceType,omitempty"`
	Conditions   *Criteria `json:"conditions,omitempty"`
}

// application is one item of an apply-conditions request.
type application struct {
	ID           string   `json:"id"`
	ResourceRef  refs     `json:"resourceRef"`
	ResourceType string   `json:"resourceType"`
	Conditions   Criteria `json:"conditions"`
}

// schemas are the shapes of requests. They hold nothing that changes.
type schemas struct{ authorize, apply zod.Schema }

func requestSchemas() schemas {
	text := zod.String("")
	attributes := zod.Object(zod.Field{Name: "action", Schema: zod.Optional(zod.Union(
		zod.Literal("create"), zod.Literal("read"), zod.Literal("update"), zod.Literal("delete")))})
	basic := zod.Object(
		zod.Field{Name: "type", Schema: zod.Literal(Basic)},
		zod.Field{Name: "name", Schema: text},
		zod.Field{Name: "attributes", Schema: attributes},
	)
	resource := zod.Object(
		zod.Field{Name: "type", Schema: zod.Literal(Resource)},
		zod.Field{Name: "name", Schema: text},
		zod.Field{Name: "attributes", Schema: attributes},
		zod.Field{Name: "resourceType", Schema: text},
	)
	anyRef := zod.Union(text, zod.NonEmpty(text))
	item := zod.Union(
		zod.Object(
			zod.Field{Name: "id", Schema: text},
			zod.Field{Name: "resourceRef", Schema: zod.Undefined()},
			zod.Field{Name: "permission", Schema: basic},
		),
		zod.Object(
			zod.Field{Name: "id", Schema: text},
			zod.Field{Name: "resourceRef", Schema: zod.Optional(anyRef)},
			zod.Field{Name: "permission", Schema: resource},
		),
	)
	var criteria zod.Schema
	lazy := zod.Lazy(func() zod.Schema { return criteria })
	criteria = zod.Union(
		zod.Object(zod.Field{Name: "anyOf", Schema: zod.NonEmpty(lazy)}),
		zod.Object(zod.Field{Name: "allOf", Schema: zod.NonEmpty(lazy)}),
		zod.Object(zod.Field{Name: "not", Schema: lazy}),
		zod.Object(
			zod.Field{Name: "rule", Schema: text},
			zod.Field{Name: "resourceType", Schema: text},
			zod.Field{Name: "params", Schema: zod.Optional(zod.Record())},
		),
	)
	application := zod.Object(
		zod.Field{Name: "id", Schema: text},
		zod.Field{Name: "resourceRef", Schema: anyRef},
		zod.Field{Name: "resourceType", Schema: text},
		zod.Field{Name: "conditions", Schema: criteria},
	)
	list := func(s zod.Schema) zod.Schema {
		return zod.Object(zod.Field{Name: "items", Schema: zod.Array(s, "")})
	}
	return schemas{authorize: list(item), apply: list(application)}
}

// parse checks a body against its schema and then reads it.
func parse[T any](s zod.Schema, body any) ([]T, error) {
	if e := zod.Validate(s, body); e != nil {
		return nil, e.Input()
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var request struct {
		Items []T `json:"items"`
	}
	if err := json.Unmarshal(b, &request); err != nil {
		return nil, apierror.Inputf("%s", err)
	}
	return slices.Clip(request.Items), nil
}
