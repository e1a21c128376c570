package kong

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

// change is one write. Its entity's id is always known before.
type change struct {
	verb verb
	kind kind
	// owner is the consumer of a credential or membership, by id.
	owner string
	id    string
	body  map[string]any // without id and owner
	hide  []sdk.Secret   // in errors
}

type verb int

const (
	create verb = iota // a conflict if it is there
	put                // whatever was there
	patch              // members of what is there
	merge              // members of what is there, or all of it if it is not
	remove             // or nothing, if it is not there
)

// kind is a kind of entities.
type kind struct {
	path   string // "key-auths"
	nested string // below a consumer: "key-auth"; "" = not below one
	table  string // in declarative configurations: "keyauth_credentials"
}

var (
	services    = kind{path: "services", table: "services"}
	routes      = kind{path: "routes", table: "routes"}
	consumers   = kind{path: "consumers", table: "consumers"}
	plugins     = kind{path: "plugins", table: "plugins"}
	keys        = kind{path: "key-auths", nested: "key-auth", table: "keyauth_credentials"}
	memberships = kind{path: "acls", nested: "acls", table: "acls"}
)

// apply writes in order, and stops at the first error.
func (d *Driver) apply(ctx context.Context, n *Node, changes ...change) error {
	if n.Declarative {
		return d.load(ctx, changes)
	}
	for _, c := range changes {
		if err := d.write(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

var methods = map[verb]string{create: http.MethodPost, put: http.MethodPut, patch: http.MethodPatch, remove: http.MethodDelete}

func (d *Driver) write(ctx context.Context, c change) error {
	if c.verb == merge {
		c.verb = patch
		if err := d.write(ctx, c); !missing(err) {
			return err
		}
		c.verb = put
	}
	if c.verb == patch && d.edition.NoPatch {
		return d.rewrite(ctx, c)
	}
	segments := c.segments()
	if c.verb == create {
		c.body["id"], segments = c.id, segments[:len(segments)-1]
	}
	r := rest.Request{Method: methods[c.verb], Path: d.at(rest.Path(segments...)), Hide: c.hide}
	if c.verb != remove {
		r.Body = c.body
	}
	a, err := d.nodes[0].Send(ctx, r)
	switch {
	case c.verb == remove && missing(err):
		return nil
	case c.verb == remove && err == nil && a.Status != http.StatusNoContent:
		return d.unavailable("answers %d to DELETE, as Kong does not", a.Status)
	}
	return err
}

// segments are the path of the entity.
func (c change) segments() []string {
	if c.kind.nested != "" {
		return []string{consumers.path, c.owner, c.kind.nested, c.id}
	}
	return []string{c.kind.path, c.id}
}

// rewrite merges members into an entity by reading it and replacing it.
func (d *Driver) rewrite(ctx context.Context, c change) error {
	var was map[string]any
	if err := d.get(ctx, &was, c.segments()...); err != nil {
		return err
	}
	if was["id"] != c.id {
		return d.unavailable("answers something that is not what was asked for")
	}
	c.verb, c.body = put, mergedInto(was, c.body)
	for _, name := range []string{"created_at", "updated_at"} {
		delete(c.body, name)
	}
	return d.write(ctx, c)
}

// stableID makes a UUID of a name, so that an entity is the same one however often it is made.
func stableID(parts ...string) string {
	sum := sha1.Sum([]byte("callboard-portal\x00" + strings.Join(parts, "\x00"))) //nolint:gosec // what UUIDs of version 5 are made of
	b := slices.Clone(sum[:16])
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Tags of what the driver makes.
const (
	ours         = "portal"
	ofApp        = "portal:"
	ofOperation  = "portal-op:"
	suspendedTag = "portal-suspended"
	ofLabel      = "portal-label:"
)
