package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Notifications tell people something in the portal. Needs plugins: [notifications].
type Notifications struct{ host *Host }

// Notification is one message.
type Notification struct {
	// To are refs of users, of groups for all their members, and of other entities for their owners; none = everybody.
	To                 []string
	Title, Description string
	// Link is opened by a click; a path such as "/catalog/default/component/shop", or an http(s) address.
	Link string
	// Severity is "critical", "high", "normal" or "low"; "" = normal.
	Severity string
	// Topic groups messages of a kind. Scope identifies what a message is about: a later one of the same scope takes the
	// place of the former.
	Topic, Scope string
}

// Send stores a message; who looks at the portal sees it at once. [ErrServiceUnavailable] when it could not be stored.
func (n Notifications) Send(ctx context.Context, m Notification) error {
	if err := n.post(ctx, m); err != nil {
		return fmt.Errorf("notification %q: %w", m.Title, err)
	}
	return nil
}

func (n Notifications) post(ctx context.Context, m Notification) error {
	body, err := json.Marshal(m.document())
	if err != nil {
		return err
	}
	at, err := n.host.Discovery.BaseURL(ctx, "notifications")
	if err != nil {
		return err
	}
	token, err := n.host.Auth.Token(ctx, "notifications", "")
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.Internal+"/notifications", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	req.Header.Set("Content-Type", "application/json")
	res, err := n.host.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrServiceUnavailable)
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	switch {
	case res.StatusCode < http.StatusMultipleChoices:
		return nil
	case res.StatusCode == http.StatusBadRequest:
		return fmt.Errorf("is refused: %s: %w", strings.TrimSpace(string(said)), ErrInput)
	}
	return fmt.Errorf("the notifications answer %d: %w", res.StatusCode, ErrServiceUnavailable)
}

// document is the message in the form of the reference's POST /notifications.
func (m Notification) document() any {
	type recipients struct {
		Type      string   `json:"type"`
		EntityRef []string `json:"entityRef,omitempty"`
	}
	type payload struct {
		Title       string `json:"title"`
		Description string `json:"description,omitempty"`
		Link        string `json:"link,omitempty"`
		Severity    string `json:"severity,omitempty"`
		Topic       string `json:"topic,omitempty"`
		Scope       string `json:"scope,omitempty"`
	}
	to := recipients{Type: "broadcast"}
	if len(m.To) > 0 {
		to = recipients{"entity", m.To}
	}
	return struct {
		Recipients recipients `json:"recipients"`
		Payload    payload    `json:"payload"`
	}{to, payload{m.Title, m.Description, m.Link, m.Severity, m.Topic, m.Scope}}
}
