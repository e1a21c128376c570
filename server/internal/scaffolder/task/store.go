package task

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// Store is the tables of tasks, of all hosts on one database. Two rules hold for all of it: events get their numbers under
// the lock of their task's row, so that they have no gap and no two the same; and what a run writes names its worker and
// attempt, so that a run that lost its lease changes nothing.
type Store struct {
	db     *store.DB
	sealer *secret.Sealer
	// now is the database's clock, in SQL.
	now string
}

// OpenStore brings the tables up to date.
func OpenStore(ctx context.Context, db *store.DB, sealer *secret.Sealer) (*Store, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, "scaffolder", files); err != nil {
		return nil, err
	}
	now := "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
	if db.Dialect() == store.PostgreSQL {
		now = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
	}
	return &Store{db: db, sealer: sealer, now: now}, nil
}

// sql fills in the clock of a statement.
func (s *Store) sql(statement string) string { return strings.ReplaceAll(statement, "NOW()", s.now) }

// exec runs a statement and tells how many rows it changed.
func (s *Store) exec(ctx context.Context, db bun.IDB, statement string, args ...any) (int64, error) {
	result, err := store.Below(db).ExecContext(ctx, s.sql(statement), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// each calls scan for every row of a query.
func (s *Store) each(ctx context.Context, db bun.IDB, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := store.Below(db).QueryContext(ctx, s.sql(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// marks is "?, ?, …" for values, which are added to args.
func marks[T any](args []any, values []T) (text string, all []any) {
	for _, v := range values {
		args = append(args, v)
	}
	return strings.TrimPrefix(strings.Repeat(", ?", len(values)), ", "), args
}

// identity is what is kept of an initiator: everything but credentials.
type identity struct {
	Kind         principal.Kind          `json:"kind"`
	Subject      string                  `json:"subject"`
	Actor        string                  `json:"actor,omitempty"`
	Limited      bool                    `json:"limited,omitempty"`
	Restrictions *principal.Restrictions `json:"restrictions,omitempty"`
}

func identityOf(p *principal.Principal) string {
	if p == nil {
		p = principal.Nobody
	}
	text, _ := json.Marshal(identity{p.Kind, p.Subject, p.Actor, p.Limited, p.Restrictions}) // plain data always marshals
	return string(text)
}

func (i identity) principal(token string) *principal.Principal {
	return &principal.Principal{Kind: i.Kind, Subject: i.Subject, Actor: i.Actor, Limited: i.Limited, Restrictions: i.Restrictions, Token: token}
}

// TokenSecret is the name of the secret that is the initiator's token, as in the reference.
const TokenSecret = "backstageToken"

// seal closes the secrets of a task with the token of its initiator; nil = there are none.
func (s *Store) seal(id string, secrets secret.Set, by *principal.Principal) []byte {
	if by != nil && by.Token != "" {
		with := maps.Clone(secrets)
		if with == nil {
			with = secret.Set{}
		}
		with[TokenSecret] = secret.New(by.Token) // whatever was entered under that name
		secrets = with
	}
	if len(secrets) == 0 {
		return nil
	}
	return s.sealer.Seal(secrets.Reveal(), placeOfSecrets(id))
}

func placeOfSecrets(id string) string { return "secrets of task " + id }

func (s *Store) openSecrets(id string, sealed []byte) (secret.Set, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := s.sealer.Open(sealed, placeOfSecrets(id))
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal(plain, &values); err != nil {
		return nil, err
	}
	set := make(secret.Set, len(values))
	for name, text := range values {
		set[name] = secret.New(text)
	}
	return set, nil
}

// noStrategy is what a template without a recovery strategy has.
const (
	noStrategy = "none"
	startOver  = "startOver"
)

func strategyOf(spec json.RawMessage) string {
	var parts struct {
		Recovery struct {
			Strategy string `json:"EXPERIMENTAL_strategy"`
		} `json:"EXPERIMENTAL_recovery"`
	}
	if json.Unmarshal(spec, &parts) != nil || parts.Recovery.Strategy == "" {
		return noStrategy
	}
	return parts.Recovery.Strategy
}

// create stores a task that any host may claim. ConflictError when there is one of that ID.
func (s *Store) create(ctx context.Context, n NewTask) (Task, error) {
	t := Task{ID: cmp.Or(n.ID, uuid.NewString()), Spec: json.RawMessage(strings.ToValidUTF8(string(n.Spec), "\uFFFD")), Status: Open, CreatedBy: n.CreatedBy}
	if n.Initiator != nil && n.Initiator.Kind == principal.User {
		t.CreatedBy = n.Initiator.Subject
	}
	sealed := s.seal(t.ID, n.Secrets, n.Initiator)
	err := s.db.WriteDurably(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.each(ctx, tx, func(rows *sql.Rows) error {
			var created int64
			err := rows.Scan(&created)
			t.CreatedAt = time.UnixMilli(created)
			t.LastHeartbeatAt = t.CreatedAt
			return err
		}, `INSERT INTO scaffolder_tasks (id, spec, status, created_at, heartbeat_at, created_by, initiator, strategy, secrets, wiped)
			VALUES (?, ?, ?, NOW(), NOW(), ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING created_at`,
			t.ID, string(t.Spec), string(t.Status), null(t.CreatedBy), identityOf(n.Initiator), strategyOf(t.Spec), blob(sealed), false)
	})
	if err == nil && t.CreatedAt.IsZero() {
		return Task{}, apierror.Conflictf("There is a task with id '%s' already", t.ID)
	}
	return t, err
}

// null stores "" as NULL.
func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// blob stores nil as NULL, which a typed nil would not be on every driver.
func blob(data []byte) any {
	if data == nil {
		return nil
	}
	return data
}

const taskColumns = "id, spec, status, created_at, heartbeat_at, coalesce(created_by, '')"

func scanTask(rows *sql.Rows, more ...any) (Task, error) {
	var t Task
	var spec string
	var created, beat int64
	err := rows.Scan(append([]any{&t.ID, &spec, &t.Status, &created, &beat, &t.CreatedBy}, more...)...)
	t.Spec, t.CreatedAt, t.LastHeartbeatAt = json.RawMessage(spec), time.UnixMilli(created), time.UnixMilli(beat)
	return t, err
}

// get is a NotFoundError in the reference's words when there is no such task.
func (s *Store) get(ctx context.Context, id string) (Task, error) {
	var t Task
	err := s.one(ctx, s.db.Read(), func(rows *sql.Rows) (err error) {
		t, err = scanTask(rows)
		return err
	}, "SELECT "+taskColumns+" FROM scaffolder_tasks WHERE id = ?", id)
	if errors.Is(err, sql.ErrNoRows) {
		err = notFound(id)
	}
	return t, err
}

// one is each for a query that must find a row; [sql.ErrNoRows] when it does not.
func (s *Store) one(ctx context.Context, db bun.IDB, scan func(*sql.Rows) error, query string, args ...any) error {
	found := false
	err := s.each(ctx, db, func(rows *sql.Rows) error {
		found = true
		return scan(rows)
	}, query, args...)
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

func notFound(id string) error { return apierror.NotFoundf("No task with id '%s' found", id) }
