package notifications

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/signals"
	"github.com/callboard/callboard/server/internal/store"
)

// Options is what a [Service] works with; all but Now are required.
type Options struct {
	DB       *store.DB
	Config   *config.Section // notifications
	Entities Entities
	Signals  signals.Broadcaster
	Logger   *slog.Logger
	Now      func() time.Time // nil = time.Now
}

// Service keeps notifications. It is safe for concurrent use.
type Service struct {
	tables    tables
	entities  Entities
	signals   signals.Broadcaster
	log       *slog.Logger
	now       func() time.Time
	defaults  Settings
	retention time.Duration // 0 = for ever
}

// New brings the tables up to date.
func New(ctx context.Context, o Options) (*Service, error) {
	s := &Service{
		tables: tables{o.DB}, entities: o.Entities, signals: o.Signals, log: o.Logger, now: o.Now,
		defaults: readDefaults(o.Config.Section("defaultSettings")), retention: readRetention(o.Config),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.tables.migrate(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Service) time() Time { return Time(s.now().UnixMilli()) }

// channel is where open pages hear of changes.
const channel = "notifications"

func (s *Service) tell(ctx context.Context, to signals.Recipients, message map[string]any) {
	s.signals.Publish(ctx, signals.Message{Recipients: to, Channel: channel, Payload: message})
}

// List returns a page of what user sees, and how many there are in all.
func (s *Service) List(ctx context.Context, user User, l List) ([]Notification, int, error) {
	page, err := s.tables.list(ctx, user, l)
	if err != nil {
		return nil, 0, err
	}
	total, err := s.tables.count(ctx, user, l.Filter)
	return page, total, err
}

// Get returns one notification that user sees, or a NotFoundError.
func (s *Service) Get(ctx context.Context, user User, id string) (Notification, error) {
	if strings.ContainsRune(id, 0) {
		return Notification{}, errNotFound
	}
	found, err := s.tables.list(ctx, user, List{Filter: Filter{IDs: []string{id}}, Limit: 1})
	if err != nil {
		return Notification{}, err
	}
	if len(found) == 0 {
		return Notification{}, errNotFound
	}
	return found[0], nil
}

var errNotFound = apierror.New(apierror.NotFound, "Not found")

// Status counts what user sees.
func (s *Service) Status(ctx context.Context, user User) (Status, error) {
	return s.tables.status(ctx, user)
}

// Topics lists the topics of what user sees.
func (s *Service) Topics(ctx context.Context, user User, f Filter) ([]string, error) {
	return s.tables.topics(ctx, user, f)
}

// Change is what a user does to notifications; nil leaves as it is.
type Change struct {
	IDs         []string `json:"ids"`
	Read, Saved *bool
}

// Update changes those of the notifications that user sees, tells the user's pages, and returns them.
func (s *Service) Update(ctx context.Context, user User, c Change) ([]Notification, error) {
	for _, id := range c.IDs {
		if err := checkText("ids", id); err != nil {
			return nil, err
		}
	}
	now := s.time()
	for column, set := range map[string]*bool{"read_at": c.Read, "saved_at": c.Saved} {
		if set == nil || len(c.IDs) == 0 {
			continue
		}
		at := &now
		if !*set {
			at = nil
		}
		if err := s.tables.mark(ctx, user, c.IDs, column, at); err != nil {
			return nil, err
		}
	}
	if c.Read != nil {
		action := "notification_unread"
		if *c.Read {
			action = "notification_read"
		}
		s.tell(ctx, signals.Users(string(user)), map[string]any{"action": action, "notification_ids": c.IDs})
	}
	if c.IDs == nil {
		c.IDs = []string{}
	}
	return s.tables.list(ctx, user, List{Filter: Filter{IDs: c.IDs}, Limit: -1})
}

// checkText refuses what a database cannot hold.
func checkText(field, text string) error {
	if strings.ContainsRune(text, 0) {
		return apierror.Inputf("%s must not contain NUL characters", field)
	}
	return nil
}
