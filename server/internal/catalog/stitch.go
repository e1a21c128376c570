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
			words := &spellings{words: map[string]string{}}
			for i := start; i < min(start+size, len(queue)); i++ {
				out[i] = stitch(queue[i], words)
			}
		})
	}
	wg.Wait()
	return out
}

func stitch(u unstitched, words *spellings) stitched {
	s := stitched{unstitched: u, hash: u.previousHash}
	if u.id == "" || u.processed == "" {
		return s
	}
	root, metadata, err := assemble(u)
	if err != nil {
		s.problem = err
		return s
	}
	canonical := appendMembers(make([]byte, 0, len(u.processed)+256+96*len(u.relations)), root)
	if s.hash = hashOf(canonical); s.hash == u.previousHash {
		return s
	}
	metadata = withValue(metadata, "uid", appendString(nil, u.id))
	if textOf(valueOf(metadata, "etag")) == "" {
		metadata = withValue(metadata, "etag", appendString(nil, s.hash))
	}
	final := appendMembers(canonical[:0:0], withValue(root, "metadata", appendMembers(nil, metadata)))
	if words.doubtful(final) {
		if _, err := index.RowsOf(final); err != nil {
			s.problem, s.hash = err, u.previousHash
			return s
		}
	}
	s.final = string(final)
	return s
}

// assemble adds what the catalog knows about an entity to what it says itself. metadata are the members of that one.
func assemble(u unstitched) (root, metadata []member, err error) {
	if root, err = membersOf([]byte(u.processed)); err != nil {
		return nil, nil, err
	}
	if metadata, err = membersOf(valueOf(root, "metadata")); err != nil {
		return nil, nil, err
	}
	annotations, err := membersOf(valueOf(metadata, "annotations"))
	changed := u.orphan
	if u.orphan {
		annotations = withValue(annotations, entity.AnnotationOrphan, []byte(`"true"`))
	}
	for _, name := range []string{entity.AnnotationViewURL, entity.AnnotationEditURL} {
		if err == nil && entity.IsScriptURL(textOf(valueOf(annotations, name))) {
			annotations, changed = withValue(annotations, name, appendString(nil, rejectedURL)), true
		}
	}
	if changed {
		metadata = withValue(metadata, "annotations", appendMembers(nil, annotations))
		root = withValue(root, "metadata", appendMembers(nil, metadata))
	}
	root = withValue(root, "relations", relationList(u.relations))
	if items := statusItems(u.errors); len(items) > 0 {
		root = withValue(root, "status", appendCanonical(nil, map[string]any{"items": items}))
	}
	return root, metadata, nil
}

func relationList(relations []entity.Relation) []byte {
	dst := make([]byte, 0, 2+96*len(relations))
	dst = append(dst, '[')
	for i, r := range relations {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, `{"targetRef":`...), r.TargetRef)
		dst = append(appendString(append(dst, `,"type":`...), r.Type), '}')
	}
	return append(dst, ']')
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
	made, changes, err := e.db.publish(ctx, e.now().UnixMilli(), done)
	if err == nil {
		e.follower.offer(made)
	}
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
