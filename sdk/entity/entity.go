package entity

import "strings"

// The well-known annotations that the catalog itself reads or writes.
const (
	AnnotationLocation       = "backstage.io/managed-by-location"
	AnnotationOriginLocation = "backstage.io/managed-by-origin-location"
	AnnotationViewURL        = "backstage.io/view-url"
	AnnotationEditURL        = "backstage.io/edit-url"
	AnnotationSourceLocation = "backstage.io/source-location"
	AnnotationOrphan         = "backstage.io/orphan"
)

// DefaultNamespace is the namespace of an entity that names none.
const DefaultNamespace = "default"

// Entity is one catalog document in JSON form: values are map[string]any, []any, string, bool, float64, int64,
// json.Number or nil. It may be malformed: the accessors return the zero value for what is missing or of another type.
// An Entity that was handed over is shared: copy with [Entity.Clone] before changing it.
type Entity map[string]any

// APIVersion is the apiVersion field, or "".
func (e Entity) APIVersion() string { return str(e["apiVersion"]) }

// Kind is the kind field in its original case, or "".
func (e Entity) Kind() string { return str(e["kind"]) }

// Metadata is the metadata object, or nil.
func (e Entity) Metadata() map[string]any { return obj(e["metadata"]) }

// Spec is the spec object, or nil.
func (e Entity) Spec() map[string]any { return obj(e["spec"]) }

// Name is metadata.name in its original case, or "".
func (e Entity) Name() string { return str(e.Metadata()["name"]) }

// Namespace is metadata.namespace, or [DefaultNamespace] when it is missing or empty.
func (e Entity) Namespace() string {
	if ns := str(e.Metadata()["namespace"]); ns != "" {
		return ns
	}
	return DefaultNamespace
}

// UID is metadata.uid, or "".
func (e Entity) UID() string { return str(e.Metadata()["uid"]) }

// Annotation is the value of one annotation, or "".
func (e Entity) Annotation(key string) string { return str(obj(e.Metadata()["annotations"])[key]) }

// Ref is the entity's own address, in the case the document uses.
func (e Entity) Ref() Ref { return Ref{Kind: e.Kind(), Namespace: e.Namespace(), Name: e.Name()} }

// Clone is a deep copy.
func (e Entity) Clone() Entity {
	if e == nil {
		return nil
	}
	return cloneObject(e)
}

// Relation is one directed edge as it appears in an entity's relations. TargetRef is canonical (lower case).
type Relation struct {
	Type      string `json:"type"`
	TargetRef string `json:"targetRef"`
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

func obj(v any) map[string]any {
	switch m := v.(type) {
	case map[string]any:
		return m
	case Entity:
		return m
	}
	return nil
}

func cloneObject(o map[string]any) map[string]any {
	m := make(map[string]any, len(o))
	for k, x := range o {
		m[k] = cloneValue(x)
	}
	return m
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return cloneObject(v)
	case []any:
		a := make([]any, len(v))
		for i, x := range v {
			a[i] = cloneValue(x)
		}
		return a
	}
	return v
}

func lower(s string) string { return strings.ToLower(s) }
