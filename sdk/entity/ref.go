package entity

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// Ref addresses an entity: kind, namespace and name. Two refs address the same entity when their [Ref.String] is equal;
// the fields keep the case they were written in.
type Ref struct{ Kind, Namespace, Name string }

// Canonical is a ref in its lower-case string form "kind:namespace/name", the key of every table and relation.
type Canonical string

// String is the canonical form. Lower-casing is locale-independent.
func (r Ref) String() string {
	ns := r.Namespace
	if ns == "" {
		ns = DefaultNamespace
	}
	return lower(r.Kind) + ":" + lower(ns) + "/" + lower(r.Name)
}

// Canonical is [Ref.String] as its own type.
func (r Ref) Canonical() Canonical { return Canonical(r.String()) }

// Defaults fill in what a shorthand ref leaves out; an empty Kind means the ref must name one.
type Defaults struct{ Kind, Namespace string }

// ParseRef reads "[<kind>:][<namespace>/]<name>". Errors are the reference's, name and words.
// A colon after the first slash belongs to the name; an empty segment is an error.
func ParseRef(s string, d Defaults) (Ref, error) {
	if s == "" {
		return Ref{}, apierror.New(apierror.Generic, "Entity reference must not be empty")
	}
	colon, slash := strings.IndexByte(s, ':'), strings.IndexByte(s, '/')
	if slash != -1 && slash < colon {
		colon = -1
	}
	r := Ref{Kind: d.Kind, Namespace: d.Namespace}
	rest := s
	if colon != -1 {
		r.Kind, rest = s[:colon], s[colon+1:]
	}
	if i := strings.IndexByte(rest, '/'); i != -1 {
		r.Namespace, rest = rest[:i], rest[i+1:]
	} else if r.Namespace == "" {
		r.Namespace = DefaultNamespace
	}
	r.Name = rest
	if colon == 0 || r.Namespace == "" || r.Name == "" {
		return Ref{}, apierror.TypeErrorf(`Entity reference "%s" was not on the form [<kind>:][<namespace>/]<name>`, s)
	}
	if r.Kind == "" {
		return Ref{}, apierror.Newf(apierror.Generic,
			`Entity reference %s had missing or empty kind (e.g. did not start with "component:" or similar)`, jsonString(s))
	}
	return r, nil
}

// jsonString quotes s as JSON does, without escaping HTML.
func jsonString(s string) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `"` + s + `"`
	}
	return strings.TrimSuffix(buf.String(), "\n")
}
