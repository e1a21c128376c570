package notifications

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// tables is where notifications are.
type tables struct{ db *store.DB }

// directRow is a notification to one user; a row of a list, too, where broadcasts have no user.
type directRow struct {
	bun.BaseModel `bun:"table:notifications_direct,alias:n"`
	ID            string   `bun:"id,pk"`
	User          *User    `bun:"user_entity_ref"`
	Origin        string   `bun:"origin"`
	Title         string   `bun:"title"`
	Description   *string  `bun:"description"`
	Link          *string  `bun:"link"`
	Topic         *string  `bun:"topic"`
	Severity      Severity `bun:"severity"`
	Scope         *string  `bun:"scope"`
	Icon          *string  `bun:"icon"`
	Created       Time     `bun:"created_at"`
	Updated       *Time    `bun:"updated_at"`
	Read          *Time    `bun:"read_at"`
	Saved         *Time    `bun:"saved_at"`
}

type broadcastRow struct {
	bun.BaseModel `bun:"table:notifications_broadcasts,alias:n"`
	ID            string   `bun:"id,pk"`
	Origin        string   `bun:"origin"`
	Title         string   `bun:"title"`
	Description   *string  `bun:"description"`
	Link          *string  `bun:"link"`
	Topic         *string  `bun:"topic"`
	Severity      Severity `bun:"severity"`
	Scope         *string  `bun:"scope"`
	Icon          *string  `bun:"icon"`
	Created       Time     `bun:"created_at"`
	Updated       *Time    `bun:"updated_at"`
}

type statusRow struct {
	bun.BaseModel `bun:"table:notifications_broadcast_status,alias:s"`
	Broadcast     string `bun:"broadcast_id,pk"`
	User          User   `bun:"user_entity_ref,pk"`
	Read          *Time  `bun:"read_at"`
	Saved         *Time  `bun:"saved_at"`
}

func (t tables) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	return t.db.Migrate(ctx, "notifications", files)
}

func (r *directRow) notification() Notification {
	return Notification{
		ID: r.ID, User: r.User, Created: r.Created, Saved: r.Saved, Read: r.Read, Updated: r.Updated, Origin: r.Origin,
		Payload: Payload{Title: r.Title, Description: r.Description, Link: r.Link, Topic: r.Topic, Severity: r.Severity, Scope: r.Scope, Icon: r.Icon},
	}
}

// visible selects from everything that the user sees: their own, and broadcasts with the user's state of them.
func (t tables) visible(db bun.IDB, user User, f Filter) *bun.SelectQuery {
	const payload = "id, origin, title, description, link, topic, severity, scope, icon, created_at, updated_at"
	own := db.NewSelect().TableExpr("notifications_direct").
		ColumnExpr(payload+", user_entity_ref, read_at, saved_at").Where("user_entity_ref = ?", user)
	broadcasts := db.NewSelect().TableExpr("notifications_broadcasts AS b").
		ColumnExpr(payload+", NULL AS user_entity_ref, s.read_at, s.saved_at").
		Join("LEFT JOIN notifications_broadcast_status AS s ON s.broadcast_id = b.id AND s.user_entity_ref = ?", user)
	return f.apply(db.NewSelect().TableExpr("(?) AS n", own.UnionAll(broadcasts)))
}

func (f Filter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.IDs != nil {
		if len(f.IDs) == 0 {
			return q.Where("1 = 0")
		}
		q = q.Where("id IN (?)", bun.List(f.IDs))
	}
	q = whereSet(q, "read_at", f.Read)
	q = whereSet(q, "saved_at", f.Saved)
	if f.Search != "" {
		pattern := "%" + likeEscaper.Replace(strings.ToLower(f.Search)) + "%"
		q = q.Where(`(LOWER(title) LIKE ? ESCAPE '\' OR LOWER(description) LIKE ? ESCAPE '\')`, pattern, pattern)
	}
	if f.Topic != "" {
		q = q.Where("topic = ?", f.Topic)
	}
	if f.CreatedAfter != nil {
		q = q.Where("created_at >= ?", *f.CreatedAfter)
	}
	if i := slices.Index(severities, f.MinimumSeverity); i >= 0 {
		q = q.Where("severity IN (?)", bun.List(severities[:i+1]))
	}
	return q
}

// likeEscaper takes the meaning from the wildcards of LIKE.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func whereSet(q *bun.SelectQuery, column string, set *bool) *bun.SelectQuery {
	switch {
	case set == nil:
		return q
	case *set:
		return q.Where("? IS NOT NULL", bun.Ident(column))
	}
	return q.Where("? IS NULL", bun.Ident(column))
}

func (t tables) list(ctx context.Context, user User, l List) ([]Notification, error) {
	q := t.visible(t.db.Read(), user, l.Filter).ColumnExpr("n.*")
	if l.Order == nil {
		q = q.OrderExpr("created_at DESC")
	}
	for _, o := range l.Order {
		direction := bun.Safe("ASC")
		if o.Descending {
			direction = "DESC"
		}
		q = q.OrderExpr("? ?", bun.Ident(o.Column), direction)
	}
	limit := maxPage
	if l.Limit >= 0 {
		limit = min(l.Limit, maxPage)
	}
	notifications := []Notification{}
	if limit == 0 {
		return notifications, nil
	}
	var rows []directRow
	if err := q.OrderExpr("id").Limit(int64(limit)).Offset(int64(l.Offset)).Scan(ctx, &rows); err != nil {
		return nil, err
	}
	for i := range rows {
		notifications = append(notifications, rows[i].notification())
	}
	return notifications, nil
}

func (t tables) count(ctx context.Context, user User, f Filter) (int, error) {
	var n int
	err := t.visible(t.db.Read(), user, f).ColumnExpr("COUNT(*)").Scan(ctx, &n)
	return n, err
}

func (t tables) status(ctx context.Context, user User) (Status, error) {
	var all, read int
	err := t.visible(t.db.Read(), user, Filter{}).ColumnExpr("COUNT(*), COUNT(read_at)").Scan(ctx, &all, &read)
	return Status{Unread: all - read, Read: read}, err
}

func (t tables) topics(ctx context.Context, user User, f Filter) ([]string, error) {
	topics := []string{}
	err := t.visible(t.db.Read(), user, f).Distinct().ColumnExpr("topic").Where("topic IS NOT NULL").OrderExpr("topic").Scan(ctx, &topics)
	return topics, err
}

// mark sets one of the two times of notifications that the user sees; nil clears it.
func (t tables) mark(ctx context.Context, user User, ids []string, column string, at *Time) error {
	return t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*directRow)(nil)).Set("? = ?", bun.Ident(column), at).
			Where("user_entity_ref = ?", user).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return err
		}
		var broadcasts []string
		if err := tx.NewSelect().Model((*broadcastRow)(nil)).Column("id").Where("id IN (?)", bun.List(ids)).Scan(ctx, &broadcasts); err != nil {
			return err
		}
		for _, id := range broadcasts {
			row := &statusRow{Broadcast: id, User: user}
			if column == "read_at" {
				row.Read = at
			} else {
				row.Saved = at
			}
			if _, err := tx.NewInsert().Model(row).On("CONFLICT (broadcast_id, user_entity_ref) DO UPDATE").
				Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column)).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// replaceByScope is what happens to the notification of the same scope. What the new one leaves out stays.
func replaceByScope(q *bun.InsertQuery, target string, now Time) *bun.InsertQuery {
	return q.On("CONFLICT ("+target+") WHERE scope IS NOT NULL DO UPDATE").
		Set("title = EXCLUDED.title").
		Set("severity = EXCLUDED.severity").
		Set("description = COALESCE(EXCLUDED.description, n.description)").
		Set("link = COALESCE(EXCLUDED.link, n.link)").
		Set("topic = COALESCE(EXCLUDED.topic, n.topic)").
		Set("icon = COALESCE(EXCLUDED.icon, n.icon)").
		Set("updated_at = ?", now)
}

// insert stores one notification per user and returns the rows, those of the same scope updated.
func (t tables) insert(ctx context.Context, rows []directRow, now Time) (stored []directRow, err error) {
	err = t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		stored = stored[:0]
		for part := range slices.Chunk(rows, rowsPerStatement(rows)) {
			q := replaceByScope(tx.NewInsert().Model(&part), "user_entity_ref, origin, scope", now).Set("read_at = NULL")
			var back []directRow
			if _, err := q.Returning("*").Exec(ctx, &back); err != nil {
				return err
			}
			stored = append(stored, back...)
		}
		return nil
	})
	return stored, err
}

// rowsPerStatement keeps statements below SQLite's limit of a million bytes.
func rowsPerStatement(rows []directRow) int {
	if len(rows) == 0 {
		return 1
	}
	size := 512 + len(rows[0].Title) + len(rows[0].Origin)
	for _, s := range []*string{rows[0].Description, rows[0].Link, rows[0].Topic, rows[0].Scope, rows[0].Icon} {
		if s != nil {
			size += len(*s)
		}
	}
	return max(1, 250_000/size) // quotes may double in size
}

// insertBroadcast stores a broadcast; one of the same scope is updated and unread for everybody again.
func (t tables) insertBroadcast(ctx context.Context, row broadcastRow, now Time) (stored broadcastRow, err error) {
	err = t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r := row
		q := replaceByScope(tx.NewInsert().Model(&r), "origin, scope", now)
		if _, err := q.Returning("*").Exec(ctx, &stored); err != nil || stored.Updated == nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*statusRow)(nil)).Set("read_at = NULL").Where("broadcast_id = ?", stored.ID).Exec(ctx)
		return err
	})
	return stored, err
}

// forget deletes what has not changed since before.
func (t tables) forget(ctx context.Context, before Time) (n int64, err error) {
	err = t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		n = 0
		for _, model := range []any{(*directRow)(nil), (*broadcastRow)(nil)} {
			res, err := tx.NewDelete().Model(model).Where("COALESCE(updated_at, created_at) <= ?", before).Exec(ctx)
			if err != nil {
				return err
			}
			deleted, err := res.RowsAffected()
			if err != nil {
				return err
			}
			n += deleted
		}
		return nil
	})
	return n, err
}
