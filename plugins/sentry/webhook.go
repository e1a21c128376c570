package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

const (
	// longestHook is far above what Sentry sends.
	longestHook = 1 << 20
	// topic is where what webhooks report is published, see [happening].
	topic = "sentry.issue"
	// deliveryTime is for the event and the notification of one webhook.
	deliveryTime = 30 * time.Second
	// deliveries may be under way at a time.
	deliveries = 16
)

// happening is the payload of the event that a webhook becomes.
type happening struct {
	Organization string `json:"organization"`
	Project      string `json:"project"`
	// Resource is "issue", "event_alert" or "metric_alert", Action what happened to it: "created", "resolved", "triggered".
	Resource string `json:"resource"`
	Action   string `json:"action"`
	IssueID  string `json:"issueId,omitempty"`
	Title    string `json:"title"`
	Level    string `json:"level,omitempty"`
	URL      string `json:"url,omitempty"`
	// EntityRefs are the entities that are annotated with the project.
	EntityRefs []string `json:"entityRefs"`
}

// webhook takes what an integration of Sentry sends. Sentry waits a second for the answer, so the work is done after it.
func (s *plugin) webhook(w http.ResponseWriter, r *http.Request) {
	d := s.directory.Load()
	t := d.byName[fold(r.PathValue("organization"))]
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestHook))
	if err != nil {
		fail(w, r, apierror.Inputf("the body cannot be read, or is longer than %d bytes", longestHook))
		return
	}
	if t == nil || !signed(body, r.Header.Get("Sentry-Hook-Signature"), t.WebhookSecret) {
		fail(w, r, apierror.New(apierror.Authentication, "the signature is not of this organization; see webhookSecret in the settings"))
		return
	}
	h, err := hookOf(r.Header.Get("Sentry-Hook-Resource"), body)
	if err != nil {
		fail(w, r, err)
		return
	}
	if h != nil && !s.deliverer.begin(context.WithoutCancel(r.Context()), func(ctx context.Context) error { return s.deliver(ctx, d, t, h) }) {
		fail(w, r, apierror.New(apierror.ServiceUnavailable, "too many webhooks at a time; send it again"))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// signed: the signature is the HMAC-SHA256 of the body. Without a secret nothing is.
func signed(body []byte, signature string, secret sdk.Secret) bool {
	given, err := hex.DecodeString(signature)
	if err != nil || secret.Reveal() == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// hook is what is read of a webhook's body.
type hook struct {
	Action string
	Data   struct {
		Issue struct {
			ID                      json.Number
			Title, Level, Permalink string
			Project                 struct{ Slug string }
		}
		Event struct {
			Title, Level, URL string
			WebURL            string      `json:"web_url"`
			IssueID           json.Number `json:"issue_id"`
		}
		Title       string                      `json:"description_title"`
		WebURL      string                      `json:"web_url"`
		MetricAlert struct{ Projects []string } `json:"metric_alert"`
	}
}

// hookOf reads a webhook; nil = it is of a kind that nobody here waits for, such as that of an installation.
func hookOf(resource string, body []byte) (*happening, error) {
	var in hook
	if resource != "issue" && resource != "event_alert" && resource != "metric_alert" {
		return nil, nil
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, apierror.Inputf("the body is no webhook of the resource %s", resource)
	}
	h := &happening{Resource: resource, Action: in.Action}
	switch resource {
	case "issue":
		i := in.Data.Issue
		h.Project, h.IssueID, h.Title, h.Level, h.URL = i.Project.Slug, i.ID.String(), i.Title, i.Level, i.Permalink
	case "event_alert":
		e := in.Data.Event
		h.Project, h.IssueID, h.Title, h.Level, h.URL = projectIn(e.URL), e.IssueID.String(), e.Title, e.Level, e.WebURL
	case "metric_alert":
		h.Title, h.URL = in.Data.Title, in.Data.WebURL
		if len(in.Data.MetricAlert.Projects) > 0 {
			h.Project = in.Data.MetricAlert.Projects[0]
		}
	}
	if h.Title, h.Action, h.URL = plain(h.Title), plain(h.Action), webLink(h.URL); !slugForm.MatchString(h.Project) {
		return nil, apierror.Inputf("the webhook names no project")
	}
	return h, nil
}

// projectIn is the slug in the address of an event, …/api/0/projects/{organization}/{project}/events/….
func projectIn(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	_, path, _ := strings.Cut(u.Path, "/api/0/projects/")
	if parts := strings.Split(path, "/"); len(parts) > 1 {
		return parts[1]
	}
	return ""
}

// deliver publishes what happened, and tells the owners of what it happened to.
func (s *plugin) deliver(ctx context.Context, d *directory, t *tenant, h *happening) error {
	p := project{t, h.Project}
	t.answers.forget(p.String() + "\x00")
	h.Organization, h.EntityRefs = t.name(), []string{}
	for e, err := range s.host.Catalog.Query(ctx, sdk.Query{Filters: d.filters(p), Fields: []string{"kind", "metadata"}, Limit: 100}) {
		if err != nil {
			return err
		}
		if of, err := d.of(e); err == nil && of.same(p) {
			h.EntityRefs = append(h.EntityRefs, e.Ref().String())
		}
	}
	if err := s.host.Events.Publish(ctx, topic, h); err != nil {
		return err
	}
	if !d.settings.Notify || len(h.EntityRefs) == 0 || !h.worthTelling() {
		return nil
	}
	return s.host.Notifications.Send(ctx, h.notification())
}

// worthTelling: people are told of what is new or comes back, not of each other's work on it.
func (h *happening) worthTelling() bool {
	switch h.Resource + " " + h.Action {
	case "issue created", "issue unresolved", "event_alert triggered", "metric_alert critical", "metric_alert warning":
		return true
	}
	return false
}

// notification addresses the entities: their owners are who gets it. What is told again of one issue takes the place of
// what was told before.
func (h *happening) notification() sdk.Notification {
	n := sdk.Notification{
		To: h.EntityRefs, Title: "Sentry: " + h.Title, Link: h.URL, Topic: "sentry",
		Description: h.Project + ": " + strings.ReplaceAll(h.Resource, "_", " ") + " " + h.Action,
		Scope:       "sentry:" + h.Organization + "/" + h.Project + ":" + h.Resource + ":" + h.IssueID,
		Severity:    "normal",
	}
	if h.Level == "fatal" || h.Action == "critical" {
		n.Severity = "high"
	}
	return n
}

// deliverer does the work of webhooks after they are answered.
type deliverer struct {
	mu      sync.Mutex
	running int
	ended   sync.WaitGroup
}

// begin starts work unless too much is under way.
func (d *deliverer) begin(ctx context.Context, work func(context.Context) error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running >= deliveries {
		return false
	}
	d.running++
	d.ended.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, deliveryTime)
		defer cancel()
		if err := work(ctx); err != nil {
			slog.ErrorContext(ctx, "a webhook could not be passed on", "error", err)
		}
		d.mu.Lock()
		d.running--
		d.mu.Unlock()
	})
	return true
}

// drain waits for what is under way.
func (d *deliverer) drain(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		d.ended.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
