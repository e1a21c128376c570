package trigger

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/callboard/callboard/server/internal/config"
)

// Trigger is what starts a template without a person. Exactly one of Schedule, Catalog and Webhook is set.
type Trigger struct {
	ID       string
	Template string
	// Values is an object; its strings are templates that see event.
	Values json.RawMessage
	// Permissions are all that the trigger may do.
	Permissions []string
	// PerHour bounds the tasks that it starts.
	PerHour  int
	Schedule *Schedule
	Catalog  *CatalogChange
	Webhook  *Webhook
}

// Schedule is either an interval or a cron expression of five fields in UTC.
type Schedule struct {
	Interval time.Duration
	Cron     string
}

// CatalogChange is an entity that was added or changed, and fits Filter then.
type CatalogChange struct {
	// Filter is in the form of catalog filters: an object, or a list of them of which one must fit.
	Filter any
}

// Webhook says how requests are signed.
type Webhook struct {
	Scheme  Scheme
	Secrets []string // any of them signs; a secret is changed by having two for a while
}

// Scheme is a way to sign a request.
type Scheme string

// The schemes.
const (
	Standard Scheme = "standard" // Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature
	GitHub   Scheme = "github"   // X-Hub-Signature-256, X-GitHub-Delivery
)

const (
	maxTriggers    = 200
	defaultPerHour = 100
	maxPerHour     = 10_000
	minSecret      = 16 // bytes
)

// defaultPermissions let a template run whose actions ask nothing of other features.
var defaultPermissions = []string{
	"catalog.entity.read", "scaffolder.task.create", "scaffolder.action.execute",
	"scaffolder.template.parameter.read", "scaffolder.template.step.read",
}

var validID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Read reads callboard.scaffolder.triggers of s. Mistakes are reported through s.
func Read(s *config.Section) []Trigger {
	sections := s.Sections("triggers")
	if len(sections) > maxTriggers {
		s.Problem("triggers", fmt.Sprintf("at most %d are possible", maxTriggers))
		return nil
	}
	seen := map[string]bool{}
	list := make([]Trigger, 0, len(sections))
	for _, section := range sections {
		t := read(section)
		if seen[t.ID] {
			section.Problem("id", fmt.Sprintf("there is another trigger %q", t.ID))
		}
		seen[t.ID] = true
		list = append(list, t)
	}
	return list
}

func read(s *config.Section) Trigger {
	t := Trigger{ID: s.String("id", ""), Template: s.String("template", ""), Permissions: s.Strings("permissions"), PerHour: s.Int("perHour", defaultPerHour)}
	if !validID.MatchString(t.ID) {
		s.Problem("id", "must be 1 to 63 lower-case letters, digits and dashes")
	}
	if t.Template == "" {
		s.Problem("template", "must be the ref of a template, such as template:default/report")
	}
	if t.PerHour < 1 || t.PerHour > maxPerHour {
		s.Problem("perHour", fmt.Sprintf("must be 1 to %d", maxPerHour))
	}
	if len(t.Permissions) == 0 {
		t.Permissions = defaultPermissions
	}
	t.Values = readValues(s)
	readKind(s, &t)
	return t
}

func readValues(s *config.Section) json.RawMessage {
	if !s.Has("values") {
		return json.RawMessage("{}")
	}
	values, ok := s.Value("values").(map[string]any)
	data, err := json.Marshal(values)
	if !ok || err != nil {
		s.Problem("values", "must be an object with the values of the template's parameters")
		return json.RawMessage("{}")
	}
	return data
}

func readKind(s *config.Section, t *Trigger) {
	kinds := 0
	for _, kind := range []string{"schedule", "catalogChange", "webhook"} {
		if s.Has(kind) {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		s.Problem("id", fmt.Sprintf("trigger %q needs one of schedule, catalogChange and webhook, and has %d", t.ID, kinds))
	case s.Has("schedule"):
		t.Schedule = readSchedule(s.Section("schedule"))
	case s.Has("catalogChange"):
		t.Catalog = readCatalogChange(s.Section("catalogChange"))
	default:
		t.Webhook = readWebhook(s.Section("webhook"))
	}
}

func readSchedule(s *config.Section) *Schedule {
	c := Schedule{Cron: s.String("cron", "")}
	if s.Has("frequency") {
		c.Interval = s.Duration("frequency", 0)
	}
	if (c.Cron == "") == (c.Interval == 0) {
		s.Problem("cron", "give either cron or frequency")
	}
	return &c
}

func readCatalogChange(s *config.Section) *CatalogChange {
	filter := s.Value("filter")
	alternatives, isList := filter.([]any)
	if !isList {
		alternatives = []any{filter}
	}
	for _, a := range alternatives {
		if keys, ok := a.(map[string]any); !ok || len(keys) == 0 {
			alternatives = nil
			break
		}
	}
	if len(alternatives) == 0 {
		s.Problem("filter", "is needed, an object such as { kind: Component } or a list of them: without one every change of every entity would start a task")
	}
	return &CatalogChange{Filter: filter}
}

func readWebhook(s *config.Section) *Webhook {
	w := Webhook{Scheme: Scheme(s.String("scheme", string(Standard))), Secrets: s.Strings("secrets")}
	if s.Has("secret") {
		w.Secrets = append(w.Secrets, s.String("secret", ""))
	}
	if w.Scheme != Standard && w.Scheme != GitHub {
		s.Problem("scheme", fmt.Sprintf("%q is not supported; use %s or %s", w.Scheme, Standard, GitHub))
	}
	if len(w.Secrets) == 0 {
		s.Problem("secret", "is needed: who knows it may start the template")
	}
	for _, secret := range w.Secrets {
		if len(secret) < minSecret {
			s.Problem("secret", fmt.Sprintf("must have at least %d characters", minSecret))
		}
	}
	return &w
}
