package notifications

import (
	"encoding/json"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// Entities finds the final JSON of an entity, nil when there is none. The catalog's index is adapted to it.
type Entities func(ref entity.Canonical) []byte

// maxRecipients bounds what one request may cause.
const maxRecipients = 20_000

// recipient is a user, and how the sender wrote the ref.
type recipient struct {
	user    User
	written string
}

// resolve turns refs into users: a group into its members and those of its child groups, anything else into its owner.
// A user need not be in the catalog. Excluded refs are neither recipients nor followed.
func resolve(entities Entities, refs, excluded []string) ([]recipient, error) {
	r := resolver{entities: entities, seen: map[entity.Canonical]bool{}}
	for _, text := range excluded {
		// A ref that cannot be read excludes nobody, as in the reference.
		if ref, err := entity.ParseRef(text, entity.Defaults{}); err == nil {
			r.seen[ref.Canonical()] = true
		}
	}
	for _, text := range refs {
		if err := r.follow(text); err != nil {
			return nil, err
		}
	}
	for len(r.todo) > 0 {
		ref := r.todo[0]
		r.todo = r.todo[1:]
		if err := r.expand(ref); err != nil {
			return nil, err
		}
	}
	return r.found, nil
}

type resolver struct {
	entities Entities
	seen     map[entity.Canonical]bool
	todo     []entity.Canonical
	found    []recipient
}

// follow takes a user, or notes what has to be expanded. Each ref counts once, so circles of groups end.
func (r *resolver) follow(text string) error {
	ref, err := entity.ParseRef(text, entity.Defaults{})
	if err != nil {
		return err
	}
	canonical := ref.Canonical()
	if r.seen[canonical] {
		return nil
	}
	r.seen[canonical] = true
	if len(r.found)+len(r.todo) >= maxRecipients {
		return apierror.Inputf("The recipients stand for more than %d users and groups, send a broadcast instead", maxRecipients)
	}
	if isUser(canonical) {
		r.found = append(r.found, recipient{User(canonical), text})
	} else {
		r.todo = append(r.todo, canonical)
	}
	return nil
}

func (r *resolver) expand(ref entity.Canonical) error {
	text := r.entities(ref)
	if text == nil {
		return nil
	}
	var e struct {
		Kind      string
		Relations []entity.Relation
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return err
	}
	isGroup := len(ref) > 6 && ref[:6] == "group:"
	for _, rel := range e.Relations {
		target := entity.Canonical(rel.TargetRef)
		switch {
		case isGroup && rel.Type == "hasMember" && !isUser(target):
			continue
		case isGroup && (rel.Type == "hasMember" || rel.Type == "parentOf"):
			if err := r.follow(rel.TargetRef); err != nil {
				return err
			}
		case !isGroup && rel.Type == "ownedBy":
			return r.follow(rel.TargetRef) // the first owner
		}
	}
	return nil
}

func isUser(ref entity.Canonical) bool { return len(ref) > 5 && ref[:5] == "user:" }
