package cataloginfo

import (
	"errors"
	"fmt"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// refField is a field of spec that refers to other entities. defaultKind is what a shorthand means; "" = the kind must be
// written.
type refField struct{ name, defaultKind string }

// refFields are the references of each kind, as relations are made of them.
func refFields(kind string) []refField {
	owner, system := refField{"owner", "Group"}, refField{"system", "System"}
	depends := []refField{{"dependsOn", ""}, {"dependencyOf", ""}}
	switch kind {
	case "Component":
		return append(depends, owner, system, refField{"subcomponentOf", "Component"},
			refField{"providesApis", "API"}, refField{"consumesApis", "API"})
	case "Resource":
		return append(depends, owner, system)
	case "API":
		return []refField{owner, system}
	case "System":
		return []refField{owner, {"domain", "Domain"}}
	case "Domain":
		return []refField{owner, {"subdomainOf", "Domain"}}
	case "Group":
		return []refField{{"parent", "Group"}, {"children", "Group"}, {"members", "User"}}
	case "User":
		return []refField{{"memberOf", "Group"}}
	case "Template":
		return []refField{owner}
	}
	return nil
}

// references reports references that cannot be read: the entity would fail while its relations are made.
func (l *linter) references(e entity.Entity) {
	for _, field := range refFields(e.Kind()) {
		pointer := "/spec/" + field.name
		switch v := e.Spec()[field.name].(type) {
		case string:
			l.reference(pointer, v, field.defaultKind, e.Namespace())
		case []any:
			for i, x := range v {
				if s, ok := x.(string); ok {
					l.reference(fmt.Sprintf("%s/%d", pointer, i), s, field.defaultKind, e.Namespace())
				}
			}
		}
	}
}

func (l *linter) reference(pointer, ref, defaultKind, namespace string) {
	if ref == "" {
		return // the schema has said so
	}
	_, err := entity.ParseRef(ref, entity.Defaults{Kind: defaultKind, Namespace: namespace})
	if err == nil {
		return
	}
	next := "write it as [<kind>:][<namespace>/]<name>"
	if defaultKind == "" {
		next = "write it with its kind, such as component:" + ref
	}
	l.report(SeverityError, "reference", pointer, errorMessage(err), next)
}

// errorMessage is the text of an error without its name.
func errorMessage(err error) string {
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		return e.Message
	}
	return err.Error()
}
