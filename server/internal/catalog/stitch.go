package catalog

import (
	"context"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
)

// unstitched is one queued entity with everything that its final form is made of.
type unstitched struct {
	ref          entity.Canonical
	ticket       int64
	id           string // "" = the entity is gone
	processed    string // "" = it has never been processed successfully
	errors       string
	previousHash string
	orphan       bool
	relations    []entity.Relation // sorted, each once
}

// stitched is what became of it.
type stitched struct {
	unstitched
	hash    string
	final   string // "" = nothing to write
	problem error  // why it may not be published; what was published before stays
}

// rejectedURL replaces view and edit URLs that would run as script.
const rejectedURL = "https://backstage.io/annotation-rejected-for-security-reasons"

// stitchAll makes final entities on all cores.
func stitchAll(queue []unstitched, cores int) []stitched {
	out := make([]stitched, len(queue))
	var wg sync.WaitGroup
	size := (len(queue) + cores - 1) / cores
	for start := 0; start < len(queue); start += size {
		wg.Go(func() {
			for i := start; i < min(start+size, len(queue)); i++ {
				out[i] = stitch(queue[i])
			}
		})
	}
	wg.Wait()
	return out
}

func stitch(u unstitched) stitched {
	s := stitched{unstitched: u, hash: u.previousHash}
	if u.id == "" || u.processed == "" {
		return s
	}
	e, err := decodeEntity(u.processed)
	if err != nil {
		s.problem = err
		return s
	}
	assemble(e, u)
	canonical := appendCanonical(make([]byte, 0, len(u.processed)+256), e)
	if s.hash = hashOf(canonical); s.hash == u.previousHash {
		return s
	}
	metadata := e.Metadata()
	metadata["uid"] = u.id
	if etag, _ := metadata["etag"].(string); etag == "" {
		metadata["etag"] = s.hash
	}
	if _, err := index.Rows(e); err != nil {
		s.problem, s.hash = err, u.previousHash
		return s
	}
	s.final = string(appendCanonical(canonical[:0], e))
	return s
}

// assemble adds what the catalog knows about an entity to what it says itself.
func assemble(e entity.Entity, u unstitched) {
	metadata := e.Metadata()
	annotations := asObject(metadata["annotations"])
	if u.orphan {
		if annotations == nil {
			annotations = map[string]any{}
			metadata["annotations"] = annotations
		}
		annotations[entity.AnnotationOrphan] = "true"
	}
	for _, name := range []string{entity.AnnotationViewURL, entity.AnnotationEditURL} {
		if url, ok := annotations[name].(string); ok && entity.IsScriptURL(url) {
			annotations[name] = rejectedURL
		}
	}
	relations := make([]any, len(u.relations))
	for i, r := range u.relations {
		relations[i] = map[string]any{"type": r.Type, "targetRef": r.TargetRef}
	}
	e["relations"] = relations
	if items := statusItems(u.errors); len(items) > 0 {
		e["status"] = map[string]any{"items": items}
	}
}

func statusItems(serialized string) []any {
	if serialized == "" {
		return nil
	}
	v, _ := decodeJSON([]byte(serialized))
	list, _ := v.([]any)
	items := make([]any, 0, len(list))
	for _, x := range list {
		err := asObject(x)
		name, _ := err["name"].(string)
		message, _ := err["message"].(string)
		items = append(items, map[string]any{
			"type": "backstage.io/catalog-processing", "level": "error", "message": name + ": " + message, "error": err,
		})
	}
	return items
}

// stitchQueued makes one round over the queue. It returns how many entities were looked at.
func (e *Engine) stitchQueued(ctx context.Context) (int, error) {
	queue, err := e.db.unstitched(ctx, stitchBatch)
	if err != nil || len(queue) == 0 {
		return 0, err
	}
	done := stitchAll(queue, e.cores)
	changes, err := e.db.publish(ctx, e.now().UnixMilli(), done)
	e.logProblems(changes)
	return len(queue), err
}

// stitchBatch is how many entities are stitched in one transaction.
const stitchBatch = 1000

// stitchProblem is what people see of an entity that may not be published.
func (s stitched) describe() []Problem {
	if s.problem == nil {
		return nil
	}
	doc, err := decodeEntity(s.processed)
	if err != nil {
		doc = entity.Entity{}
	}
	return []Problem{{
		Location: doc.Annotation(entity.AnnotationLocation), EntityRef: s.ref, Name: apierror.NameOf(s.problem), Message: messageOf(s.problem),
	}}
}

func sortRelations(rs []entity.Relation) []entity.Relation {
	slices.SortFunc(rs, func(a, b entity.Relation) int {
		switch {
		case a.Type < b.Type, a.Type == b.Type && a.TargetRef < b.TargetRef:
			return -1
		case a == b:
			return 0
		}
		return 1
	})
	return slices.Compact(rs)
}
