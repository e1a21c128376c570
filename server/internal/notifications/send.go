package notifications

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/signals"
	"github.com/callboard/callboard/server/internal/weblink"
)

// Draft is what a service sends. Its shape has been checked.
type Draft struct {
	Origin string // who sends it
	// Broadcast is for everybody; otherwise Refs without Excluded are the recipients.
	Broadcast      bool
	Refs, Excluded []string
	Title          string
	Description    *string
	Link           *string
	Topic          *string
	Severity       Severity // "" = normal
	Scope          *string
	Icon           *string
}

// Sent is one notification that a draft became.
type Sent struct {
	Notification
	// Replaced says that it existed and was updated, because it has the same scope.
	Replaced bool
	// To is the recipient as the sender wrote it, "" for a broadcast.
	To string
}

// Send stores the draft for each recipient who wants it, and tells their open pages.
func (s *Service) Send(ctx context.Context, d Draft) ([]Sent, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if d.Severity == "" {
		d.Severity = defaultSeverity
	}
	if d.Scope != nil && *d.Scope == "" {
		d.Scope = nil
	}
	if d.Broadcast {
		return s.broadcast(ctx, d)
	}
	recipients, err := resolve(s.entities, d.Refs, d.Excluded)
	if err != nil {
		return nil, sendError(err)
	}
	if recipients, err = s.willing(ctx, recipients, d); err != nil {
		return nil, err
	}
	return s.direct(ctx, d, recipients)
}

// sendError words errors of the sender as the reference does; others pass.
func sendError(err error) error {
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		return apierror.Wrap(apierror.Input, "Failed to send user notifications", apierror.New(apierror.Generic, e.Message))
	}
	return err
}

func (d *Draft) check() error {
	if d.Title == "" {
		return apierror.Inputf("Invalid notification request received: missing title")
	}
	for field, text := range map[string]*string{"title": &d.Title, "description": d.Description, "link": d.Link,
		"topic": d.Topic, "scope": d.Scope, "icon": d.Icon} {
		if text == nil {
			continue
		}
		if err := checkText("request/body/payload/"+field, *text); err != nil {
			return err
		}
	}
	if d.Link == nil {
		return nil
	}
	return checkLink(*d.Link)
}

// checkLink refuses links that a page must not follow. A leading slash does not hide a scheme: pages join links to
// their own base path.
func checkLink(link string) error {
	err := weblink.Check(link)
	if err == nil && len(link) > 0 && link[0] == '/' {
		if scheme := weblink.Scheme(link[1:]); scheme != "" && scheme != "http" && scheme != "https" {
			err = weblink.ErrScheme
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, weblink.ErrInvalid):
		return apierror.Wrap(apierror.Input, "Invalid link provided", apierror.New(apierror.TypeErr, err.Error()))
	}
	return apierror.Wrap(apierror.Input, "Invalid link provided", apierror.New(apierror.Generic, err.Error()))
}

// willing drops recipients whose settings say no.
func (s *Service) willing(ctx context.Context, all []recipient, d Draft) ([]recipient, error) {
	users := make([]User, len(all))
	for i, r := range all {
		users[i] = r.user
	}
	chosen, err := s.tables.settings(ctx, users)
	if err != nil {
		return nil, err
	}
	topic := ""
	if d.Topic != nil {
		topic = *d.Topic
	}
	kept := all[:0]
	for _, r := range all {
		if s.wants(chosen[r.user], d.Origin, topic) {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

func (s *Service) direct(ctx context.Context, d Draft, to []recipient) ([]Sent, error) {
	now := s.time()
	rows := make([]directRow, len(to))
	written := make(map[User]string, len(to))
	for i, r := range to {
		rows[i] = directRow{
			ID: uuid.NewString(), User: &r.user, Origin: d.Origin, Title: d.Title, Description: d.Description, Link: d.Link,
			Topic: d.Topic, Severity: d.Severity, Scope: d.Scope, Icon: d.Icon, Created: now,
		}
		written[r.user] = r.written
	}
	stored, err := s.tables.insert(ctx, rows, now)
	if err != nil {
		return nil, err
	}
	sent := make([]Sent, len(stored))
	for i := range stored {
		n := stored[i].notification()
		sent[i] = Sent{Notification: n, Replaced: n.Updated != nil, To: written[*n.User]}
		s.tell(ctx, signals.Users(string(*n.User)), newNotification(n.ID))
	}
	return sent, nil
}

func (s *Service) broadcast(ctx context.Context, d Draft) ([]Sent, error) {
	now := s.time()
	stored, err := s.tables.insertBroadcast(ctx, broadcastRow{
		ID: uuid.NewString(), Origin: d.Origin, Title: d.Title, Description: d.Description, Link: d.Link, Topic: d.Topic,
		Severity: d.Severity, Scope: d.Scope, Icon: d.Icon, Created: now,
	}, now)
	if err != nil {
		return nil, err
	}
	n := Notification{
		ID: stored.ID, Created: stored.Created, Updated: stored.Updated, Origin: stored.Origin,
		Payload: Payload{Title: stored.Title, Description: stored.Description, Link: stored.Link, Topic: stored.Topic,
			Severity: stored.Severity, Scope: stored.Scope, Icon: stored.Icon},
	}
	s.tell(ctx, signals.Everybody(), newNotification(n.ID))
	return []Sent{{Notification: n, Replaced: n.Updated != nil}}, nil
}

func newNotification(id string) map[string]any {
	return map[string]any{"action": "new_notification", "notification_id": id}
}
