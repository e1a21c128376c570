package usersettings

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/signals"
	"github.com/callboard/callboard/server/internal/store"
)

// Limits of what one user may keep. A value is bounded by the request body.
const (
	maxNameBytes = 1024
	maxValues    = 10_000
)

// Name addresses a value of a user.
type Name struct{ Bucket, Key string }

// Setting is a stored value. Value is JSON.
type Setting struct {
	Bucket string          `json:"bucket"`
	Key    string          `json:"key"`
	Value  json.RawMessage `json:"value"`
}

// Settings keeps the values of all users. It is safe for concurrent use.
type Settings struct {
	table   table
	signals signals.Broadcaster
}

// New brings the table up to date.
func New(ctx context.Context, db *store.DB, b signals.Broadcaster) (*Settings, error) {
	t := table{db}
	if err := t.migrate(ctx); err != nil {
		return nil, err
	}
	return &Settings{table: t, signals: b}, nil
}

// Get returns a value of user, or a NotFoundError.
func (s *Settings) Get(ctx context.Context, user string, n Name) (Setting, error) {
	found, err := s.Find(ctx, user, []Name{n})
	if err != nil {
		return Setting{}, err
	}
	if found[0] == nil {
		return Setting{}, apierror.NotFoundf("Unable to find '%s' in bucket '%s'", n.Key, n.Bucket)
	}
	return Setting{Bucket: n.Bucket, Key: n.Key, Value: found[0]}, nil
}

// Find returns the value of each name, nil where there is none.
func (s *Settings) Find(ctx context.Context, user string, names []Name) ([]json.RawMessage, error) {
	byBucket := map[string][]string{}
	for _, n := range names {
		if n.check() == nil { // what cannot be stored is not there
			byBucket[n.Bucket] = append(byBucket[n.Bucket], n.Key)
		}
	}
	values, err := s.table.find(ctx, user, byBucket)
	if err != nil {
		return nil, err
	}
	found := make([]json.RawMessage, len(names))
	for i, n := range names {
		if v, ok := values[n]; ok {
			found[i] = json.RawMessage(v)
		}
	}
	return found, nil
}

// Set stores a value and tells the user's pages.
func (s *Settings) Set(ctx context.Context, user string, n Name, value json.RawMessage) (Setting, error) {
	if err := n.check(); err != nil {
		return Setting{}, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		return Setting{}, apierror.Inputf("value must be JSON: %s", err)
	}
	if err := s.table.set(ctx, user, n, compact.String()); err != nil {
		return Setting{}, err
	}
	s.tell(ctx, user, "key-changed", n)
	return Setting{Bucket: n.Bucket, Key: n.Key, Value: compact.Bytes()}, nil
}

// Delete removes a value, which may be missing, and tells the user's pages.
func (s *Settings) Delete(ctx context.Context, user string, n Name) error {
	if n.check() == nil {
		if err := s.table.delete(ctx, user, n); err != nil {
			return err
		}
	}
	s.tell(ctx, user, "key-deleted", n)
	return nil
}

func (s *Settings) tell(ctx context.Context, user, what string, n Name) {
	s.signals.Publish(ctx, signals.Message{
		Recipients: signals.Users(user), Channel: "user-settings", Payload: map[string]string{"type": what, "key": n.Key},
	})
}

// check refuses names that a database cannot hold.
func (n Name) check() error {
	for _, part := range [][2]string{{"bucket", n.Bucket}, {"key", n.Key}} {
		if len(part[1]) > maxNameBytes {
			return apierror.Inputf("The %s is %d bytes long, the limit is %d", part[0], len(part[1]), maxNameBytes)
		}
		if strings.ContainsRune(part[1], 0) || strings.ToValidUTF8(part[1], "") != part[1] {
			return apierror.Inputf("The %s must be UTF-8 without NUL characters", part[0])
		}
	}
	return nil
}
