package kongfake

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// entity is one as the Admin API shows it, apart from what is computed when it is read. It is never changed: what is written
// is a new one.
type entity = map[string]any

// state has the entities of each kind by their id. It is never changed either.
type state map[string]map[string]entity

// expires is the member that holds when an entity ends, in seconds; it is not shown.
const expires = "\x00expires"

// with is the state with an entity put in.
func (s state) with(kind string, e entity) state {
	next := maps.Clone(s)
	next[kind] = maps.Clone(s[kind])
	if next[kind] == nil {
		next[kind] = map[string]entity{}
	}
	next[kind][text(e["id"])] = e
	return next
}

// without is the state without an entity and what refers to it.
func (s state) without(kind, id string) state {
	next := maps.Clone(s)
	next[kind] = maps.Clone(s[kind])
	delete(next[kind], id)
	for _, k := range kinds {
		for field, parent := range k.foreign {
			if parent != kind {
				continue
			}
			for child, e := range s[k.path] {
				if reference(e, field) == id {
					next = next.without(k.path, child)
				}
			}
		}
	}
	return next
}

// all are the entities of a kind that have not expired, by their ids.
func (s state) all(kind string, now time.Time) []entity {
	var list []entity
	for _, id := range slices.Sorted(maps.Keys(s[kind])) {
		if e := s[kind][id]; !expired(e, now) {
			list = append(list, e)
		}
	}
	return list
}

// find looks an entity up by its id or by what stands for it in paths.
func (s state) find(k *kind, key string, now time.Time) (entity, bool) {
	return s.findBelow(k, key, "", "", now)
}

// findBelow is find among those that refer to an owner by a member.
func (s state) findBelow(k *kind, key, member, owner string, now time.Time) (entity, bool) {
	for _, e := range s[k.path] {
		named := e["id"] == key || k.endpointKey != "" && key != "" && text(e[k.endpointKey]) == key
		if named && (member == "" || reference(e, member) == owner) && !expired(e, now) {
			return e, true
		}
	}
	return nil, false
}

func expired(e entity, now time.Time) bool {
	end, limited := e[expires].(int64)
	return limited && now.Unix() >= end
}

// shown is an entity as it is answered: its time to live counts down.
func shown(e entity, now time.Time) entity {
	out := maps.Clone(e)
	delete(out, expires)
	if end, limited := e[expires].(int64); limited {
		out["ttl"] = end - now.Unix()
	}
	return out
}

// reference is the id in {"service": {"id": …}}, "" = none.
func reference(e entity, field string) string {
	to, _ := e[field].(map[string]any)
	return text(to["id"])
}

func text(v any) string {
	t, _ := v.(string)
	return t
}

func sorted(set map[string]bool) []string {
	list := slices.Sorted(maps.Keys(set))
	if list == nil {
		return []string{}
	}
	return list
}

// newID is a random UUID, id one that is made of a name.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return uuid(b[:], 4)
}

func id(name string) string {
	sum := sha1.Sum([]byte(name)) //nolint:gosec // what UUIDs of version 5 are made of
	return uuid(sum[:], 5)
}

func uuid(b []byte, version byte) string {
	b[6], b[8] = b[6]&0x0f|version<<4, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func isUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	_, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	return err == nil
}
