package task

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/store"
)

// condition is a part of WHERE.
type condition struct {
	text string
	args []any
}

var everything, nothing = condition{text: "1 = 1"}, condition{text: "1 = 0"}

// among holds when column is one of values; not when it is NULL.
func among[T ~string](column string, values []T) condition {
	if len(values) == 0 {
		return nothing
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	list, args := marks(nil, texts)
	return condition{"coalesce(" + column + ", '') IN (" + list + ")", args}
}

func join(with string, parts []condition) condition {
	var c condition
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = "(" + p.text + ")"
		c.args = append(c.args, p.args...)
	}
	c.text = strings.Join(texts, with)
	return c
}

func (f Filter) where() (condition, error) {
	visible, err := visible(f.Visible)
	if err != nil {
		return condition{}, err
	}
	parts := []condition{visible}
	if len(f.CreatedBy) > 0 {
		parts = append(parts, among("created_by", f.CreatedBy))
	}
	if len(f.Status) > 0 {
		parts = append(parts, among("status", f.Status))
	}
	return join(" AND ", parts), nil
}

// visible is criteria as SQL. It holds for a task exactly when the rules hold for it one by one.
func visible(c *permission.Criteria) (condition, error) {
	switch {
	case c == nil:
		return everything, nil
	case len(c.AllOf) > 0:
		return visibleAll(" AND ", c.AllOf)
	case len(c.AnyOf) > 0:
		return visibleAll(" OR ", c.AnyOf)
	case c.Not != nil:
		inner, err := visible(c.Not)
		return condition{"NOT (" + inner.text + ")", inner.args}, err
	case c.Condition != nil && c.Condition.Rule == OwnerRule:
		return ownedBy(c.Condition.Params)
	case c.Condition != nil:
		return condition{}, apierror.Inputf("there is no rule %q about tasks", c.Condition.Rule)
	}
	return condition{}, apierror.Inputf("permission criteria about tasks are empty")
}

func visibleAll(with string, criteria []permission.Criteria) (condition, error) {
	parts := make([]condition, len(criteria))
	for i := range criteria {
		var err error
		if parts[i], err = visible(&criteria[i]); err != nil {
			return condition{}, err
		}
	}
	return join(with, parts), nil
}

func ownedBy(params map[string]any) (condition, error) {
	var owners []string
	switch list := params["createdBy"].(type) {
	case []string:
		owners = list
	case []any:
		for _, v := range list {
			text, ok := v.(string)
			if !ok {
				return condition{}, apierror.Inputf("createdBy of the rule %s must be a list of strings, not %v", OwnerRule, v)
			}
			owners = append(owners, text)
		}
	default:
		return condition{}, apierror.Inputf("createdBy of the rule %s must be a list of strings", OwnerRule)
	}
	return among("created_by", withoutEmpty(owners)), nil
}

// withoutEmpty drops "", which stands for a task without a creator and would match it.
func withoutEmpty(texts []string) []string {
	var kept []string
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

// list is one page, and how many tasks there are on all.
func (s *Store) list(ctx context.Context, f Filter) (tasks []Task, total int, err error) {
	f.CreatedBy = withoutEmpty(f.CreatedBy)
	where, err := f.where()
	if err != nil {
		return nil, 0, err
	}
	order, err := s.orderBy(f.Order)
	if err != nil {
		return nil, 0, err
	}
	tasks = []Task{}
	if f.Limit == nil || *f.Limit > 0 {
		err = s.each(ctx, s.db.Read(), func(rows *sql.Rows) error {
			t, err := scanTask(rows)
			tasks = append(tasks, t)
			return err
		}, "SELECT "+taskColumns+" FROM scaffolder_tasks WHERE "+where.text+order+s.page(f), where.args...)
	}
	if err == nil {
		err = s.each(ctx, s.db.Read(), func(rows *sql.Rows) error { return rows.Scan(&total) },
			"SELECT count(*) FROM scaffolder_tasks WHERE "+where.text, where.args...)
	}
	return tasks, total, err
}

// orderBy ends with the id, so that pages do not overlap.
func (s *Store) orderBy(order []Order) (string, error) {
	if len(order) == 0 {
		order = []Order{{Field: "created_at", Descending: true}}
	}
	var text strings.Builder
	text.WriteString(" ORDER BY ")
	for _, o := range order {
		if !orderFields[o.Field] {
			return "", apierror.Inputf("Invalid order field %q", o.Field)
		}
		column := o.Field
		if column == "created_by" {
			column = "coalesce(created_by, '')" // databases put NULL at different ends
		}
		if o.Field != "created_at" && s.db.Dialect() == store.PostgreSQL {
			column += ` COLLATE "C"`
		}
		if o.Descending {
			column += " DESC"
		}
		text.WriteString(column + ", ")
	}
	return text.String() + "id", nil
}

func (s *Store) page(f Filter) string {
	switch {
	case f.Limit != nil:
		return fmt.Sprintf(" LIMIT %d OFFSET %d", *f.Limit, f.Offset)
	case f.Offset > 0 && s.db.Dialect() == store.SQLite:
		return fmt.Sprintf(" LIMIT -1 OFFSET %d", f.Offset)
	case f.Offset > 0:
		return fmt.Sprintf(" OFFSET %d", f.Offset)
	}
	return ""
}
