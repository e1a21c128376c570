package kong

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// document is a declarative configuration as a node exports it: lists of entities by table, which refer to each other by
// their ids.
type document map[string]any

// load changes the configuration of each node. Nodes may differ before and do not after, as far as the changes go; where one
// of them fails, the same changes can be made again. Changes at once by one driver wait for each other. Those of others
// are noticed by the hash of the configuration, which the node itself does not compare: what is loaded between the last look
// and the load is lost.
func (d *Driver) load(ctx context.Context, changes []change) error {
	d.loading.Lock()
	defer d.loading.Unlock()
	for _, node := range d.nodes {
		if err := d.loadNode(ctx, node, changes); err != nil {
			return err
		}
	}
	return nil
}

// patience is how often a configuration that others change meanwhile is read again.
const patience = 3

func (d *Driver) loadNode(ctx context.Context, node *rest.Client, changes []change) error {
	for range patience {
		before, err := d.hash(ctx, node)
		if err != nil {
			return err
		}
		doc, err := d.export(ctx, node)
		if err != nil {
			return err
		}
		changed, err := d.edit(doc, changes)
		if err != nil || !changed {
			return err
		}
		after, err := d.hash(ctx, node)
		if err != nil {
			return err
		}
		if before == after {
			return d.replace(ctx, node, doc, changes)
		}
	}
	return d.problem(apierror.Conflict, "its declarative configuration is being changed by somebody else; try again")
}

func (d *Driver) hash(ctx context.Context, node *rest.Client) (string, error) {
	var status struct {
		Hash string `json:"configuration_hash"`
	}
	if err := node.Do(ctx, http.MethodGet, "/status", nil, nil, &status); err != nil {
		return "", err
	}
	if strings.Trim(status.Hash, "0") == "" {
		return "", d.unavailable("has a node without a configuration; load one first")
	}
	return status.Hash, nil
}

// largestConfig is what a configuration may be; one of a hundred thousand keys is a fifth of it.
const largestConfig = 128 << 20

func (d *Driver) export(ctx context.Context, node *rest.Client) (document, error) {
	var answer struct {
		Config string `json:"config"`
	}
	whole := *node
	whole.Limit = largestConfig
	if err := whole.Do(ctx, http.MethodGet, "/config", nil, nil, &answer); err != nil {
		return nil, err
	}
	doc, err := parseDocument([]byte(answer.Config))
	if err != nil {
		return nil, d.unavailable("exports a configuration that is none: %v", err)
	}
	return doc, nil
}

// parseDocument reads YAML, or JSON because that is faster.
func parseDocument(config []byte) (document, error) {
	var doc map[string]any // of this very type, since what is nested gets the same one
	if json.Unmarshal(config, &doc) != nil {
		doc = nil
		if err := yaml.Unmarshal(config, &doc); err != nil {
			return nil, errors.New("it is no YAML")
		}
	}
	if doc["_format_version"] == nil {
		return nil, errors.New("it has no _format_version")
	}
	return doc, nil
}

func (d *Driver) replace(ctx context.Context, node *rest.Client, doc document, changes []change) error {
	r := rest.Request{Method: http.MethodPost, Path: "/config", Body: doc}
	for _, c := range changes {
		r.Hide = append(r.Hide, c.hide...)
	}
	for _, row := range doc.rows(keys) {
		key, _ := row["key"].(string)
		r.Hide = append(r.Hide, sdk.Secret(key)) // Kong may name any part of what it refuses
	}
	_, err := node.Send(ctx, r)
	return err
}

// edit makes the changes in a document, and reports whether it is another one now.
func (d *Driver) edit(doc document, changes []change) (bool, error) {
	changed := false
	for _, c := range changes {
		rows := doc.rows(c.kind)
		at := slices.IndexFunc(rows, func(row map[string]any) bool { return row["id"] == c.id })
		var was, is map[string]any
		if at >= 0 {
			was = rows[at]
		}
		switch {
		case c.owner != "" && c.verb != remove && !doc.has(consumers, c.owner):
			return false, d.problem(apierror.NotFound, "has no such consumer on one of its nodes")
		case c.verb == create && at >= 0:
			return false, d.problem(apierror.Conflict, "has %s %s already", c.kind.path, c.id)
		case c.verb == patch && at < 0:
			return false, d.problem(apierror.NotFound, "has no %s %s on one of its nodes", c.kind.path, c.id)
		case c.verb == patch, c.verb == merge && was != nil:
			is = mergedInto(was, c.row())
		case c.verb != remove:
			if is = c.row(); was["created_at"] != nil {
				is["created_at"] = was["created_at"]
			}
		}
		if name, taken := doc.taken(c, is); taken {
			return false, d.problem(apierror.Conflict, "has %s with the same %s already on one of its nodes", c.kind.path, name)
		}
		if !settled(was, is) {
			doc.set(c.kind, rows, at, is)
			changed = true
		}
	}
	return changed, nil
}

// settled reports whether nothing is left to do: a row is gone, or has all members that it should have.
func settled(was, is map[string]any) bool {
	if was == nil || is == nil {
		return was == nil && is == nil
	}
	for name, value := range is {
		record, isRecord := value.(map[string]any)
		old, wasRecord := was[name].(map[string]any)
		if isRecord && wasRecord {
			if !settled(old, record) {
				return false
			}
		} else if fmt.Sprint(was[name]) != fmt.Sprint(value) { // numbers are of other types in YAML
			return false
		}
	}
	return true
}

// row is the entity as it stands in a document.
func (c change) row() map[string]any {
	row := maps.Clone(c.body)
	if row == nil {
		row = map[string]any{}
	}
	row["id"] = c.id
	if c.owner != "" {
		row["consumer"] = c.owner
	}
	for name, value := range row {
		if to, is := value.(ref); is {
			row[name] = to.ID
		}
	}
	return row
}

// mergedInto is a row with members replaced; records are merged, lists are not.
func mergedInto(row, members map[string]any) map[string]any {
	out := maps.Clone(row)
	for name, value := range members {
		record, isRecord := value.(map[string]any)
		old, was := out[name].(map[string]any)
		if isRecord && was {
			value = mergedInto(old, record)
		}
		out[name] = value
	}
	return out
}

// rows are the entities of a kind; what is none is left out.
func (doc document) rows(k kind) []map[string]any {
	list, _ := doc[k.table].([]any)
	var rows []map[string]any
	for _, one := range list {
		if row, is := one.(map[string]any); is {
			rows = append(rows, row)
		}
	}
	return rows
}

// unique are the members that no two entities of a kind have in common.
var unique = map[kind]string{consumers: "username", services: "name", routes: "name", keys: "key"}

// taken reports whether another entity has what a row has of that, and which member it is.
func (doc document) taken(c change, row map[string]any) (string, bool) {
	name := unique[c.kind]
	if name == "" || row == nil {
		return "", false
	}
	return name, slices.ContainsFunc(doc.rows(c.kind), func(other map[string]any) bool {
		return other["id"] != c.id && other[name] != nil && other[name] == row[name]
	})
}

func (doc document) has(k kind, id string) bool {
	return slices.ContainsFunc(doc.rows(k), func(row map[string]any) bool { return row["id"] == id })
}

// set replaces, adds or, with nil, removes a row.
func (doc document) set(k kind, rows []map[string]any, at int, row map[string]any) {
	switch {
	case row == nil && at >= 0:
		rows = slices.Delete(slices.Clone(rows), at, at+1)
	case at >= 0:
		rows[at] = row
	case row != nil:
		rows = append(rows, row)
	}
	list := make([]any, len(rows))
	for i, one := range rows {
		list[i] = one
	}
	doc[k.table] = list
	if len(list) == 0 {
		delete(doc, k.table)
	}
}
