package catalog

import (
	"context"
	"iter"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// Reader answers questions about final entities inside the process, with the filters, fields and permissions of the
// routes. Documents are shared: read only.
type Reader struct {
	Index      *index.Index
	Authorizer permission.Authorizer
}

// Selection asks for entities: those that pass one of Filters ("kind=component,spec.type=service"), all without any.
// Fields are the members to answer, all without any. Limit 0 = no limit.
type Selection struct {
	Filters, Fields []string
	Limit           int
}

// Entity is the entity with that ref, in any case, as far as p may read it; NotFoundError when there is none.
func (r Reader) Entity(ctx context.Context, p *principal.Principal, ref string) ([]byte, error) {
	address, err := entity.ParseRef(ref, entity.Defaults{})
	if err != nil {
		return nil, apierror.Inputf("%v", err)
	}
	read, err := decide(ctx, r.Authorizer, p, PermissionRead)
	if err != nil {
		return nil, err
	}
	s := r.Index.Snapshot()
	doc := s.ByRef(address.Canonical())
	if doc == nil || read.hides(s, doc.Ref) {
		return nil, apierror.NotFoundf("No entity named '%s' found, with kind '%s' in namespace '%s'", address.Name, address.Kind, address.Namespace)
	}
	return doc.JSON, nil
}

// Entities yields what p may read of a selection, in the order of refs, all as of one moment.
func (r Reader) Entities(ctx context.Context, p *principal.Principal, q Selection) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		docs, fields, err := r.find(ctx, p, q)
		if err != nil {
			yield(nil, err)
			return
		}
		var project *projector
		if fields != nil {
			project = fields.projector()
		}
		for _, doc := range docs {
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			body := doc.JSON
			if project != nil {
				body = project.append(nil, body)
			}
			if !yield(body, nil) {
				return
			}
		}
	}
}

func (r Reader) find(ctx context.Context, p *principal.Principal, q Selection) ([]*index.Doc, *projection, error) {
	predicate, err := filterPredicate(q.Filters)
	if err != nil {
		return nil, nil, err
	}
	filter, err := predicateFilter(predicate)
	if err != nil {
		return nil, nil, err
	}
	fields, err := parseFields(q.Fields)
	if err != nil {
		return nil, nil, err
	}
	read, err := decide(ctx, r.Authorizer, p, PermissionRead)
	if err != nil || read.denied {
		return nil, nil, err
	}
	docs, _ := r.Index.Snapshot().List(index.List{Filter: index.All(read.filter, filter), Limit: q.Limit})
	return docs, fields, nil
}
