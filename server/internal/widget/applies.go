package widget

import (
	"fmt"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
)

// AppliesTo says which entities a widget is for: "kind:component,api", "annotation:sentry.io/project-slug", "*" for any
// entity, "" for none (a page of its own).
type AppliesTo struct {
	text       string
	all        bool
	kinds      []string // lower case
	annotation string
}

// ParseAppliesTo reads the text form.
func ParseAppliesTo(s string) (AppliesTo, error) {
	a := AppliesTo{text: s}
	what, value, _ := strings.Cut(s, ":")
	switch {
	case s == "":
	case s == "*":
		a.all = true
	case what == "kind" && value != "":
		for k := range strings.SplitSeq(strings.ToLower(value), ",") {
			if k = strings.TrimSpace(k); k == "" || len(k) > 63 {
				return AppliesTo{}, fmt.Errorf("%q names a kind that cannot be", s)
			}
			a.kinds = append(a.kinds, k)
		}
	case what == "annotation" && value != "" && len(value) <= 317: // a prefix of 253, a slash, a name of 63
		a.annotation = value
	default:
		return AppliesTo{}, fmt.Errorf(`%.100q is none of "", "*", "kind:<kind>,…" and "annotation:<key>"`, s)
	}
	return a, nil
}

// String is the text form.
func (a AppliesTo) String() string { return a.text }

// words are for people who asked for another one.
func (a AppliesTo) words() string {
	switch {
	case a.annotation != "":
		return "entities with the annotation " + a.annotation
	case len(a.kinds) > 0:
		return "entities of kind " + strings.Join(a.kinds, ", ")
	}
	return "no entity"
}

// To reports whether the widget is for e.
func (a AppliesTo) To(e entity.Entity) bool {
	switch {
	case a.all:
		return true
	case a.annotation != "":
		return e.Annotation(a.annotation) != ""
	default:
		return slices.Contains(a.kinds, strings.ToLower(e.Kind()))
	}
}
