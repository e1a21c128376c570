package task

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// Status is where a task is.
type Status string

// The statuses. Cancelled and Skipped are words of filters and of other writers: a task that is cancelled ends as Failed.
const (
	Open       Status = "open"
	Processing Status = "processing"
	Completed  Status = "completed"
	Failed     Status = "failed"
	Cancelled  Status = "cancelled"
	Skipped    Status = "skipped"
)

// Ended reports whether nothing more happens unless somebody retries the task.
func (s Status) Ended() bool { return s != Open && s != Processing }

// Task is a task as its readers see it: never secrets, never what it has reached.
type Task struct {
	ID              string
	Spec            json.RawMessage
	Status          Status
	CreatedAt       time.Time
	LastHeartbeatAt time.Time
	// CreatedBy is the ref of the user who made it, "" = a service.
	CreatedBy string
}

// MarshalJSON implements [json.Marshaler] in the form of the wire.
func (t Task) MarshalJSON() ([]byte, error) {
	return jsvalue.JSON(struct {
		ID              string          `json:"id"`
		Spec            json.RawMessage `json:"spec"`
		Status          Status          `json:"status"`
		LastHeartbeatAt string          `json:"lastHeartbeatAt"`
		CreatedAt       string          `json:"createdAt"`
		CreatedBy       string          `json:"createdBy,omitempty"`
	}{t.ID, t.Spec, t.Status, stamp(t.LastHeartbeatAt), stamp(t.CreatedAt), t.CreatedBy})
}

// EventType is what an event is about.
type EventType string

// The types of events.
const (
	EventLog        EventType = "log"
	EventCompletion EventType = "completion"
	EventCancelled  EventType = "cancelled"
	EventRecovered  EventType = "recovered"
)

// Event is one line of a task's history. IDs count from 1 within a task, without a gap but for what a retry takes away:
// the end of the run before it.
type Event struct {
	ID        int64
	TaskID    string
	Type      EventType
	Body      json.RawMessage
	CreatedAt time.Time
	// Recoverable: the template wants to start over, so that readers stay for what comes after a completion.
	Recoverable bool
}

// Last reports whether no event follows this one, unless somebody retries the task.
func (e Event) Last() bool { return e.Type == EventCompletion && !e.Recoverable }

// MarshalJSON implements [json.Marshaler] in the form of the wire.
func (e Event) MarshalJSON() ([]byte, error) {
	return jsvalue.JSON(struct {
		ID          int64           `json:"id"`
		Recoverable bool            `json:"isTaskRecoverable"`
		TaskID      string          `json:"taskId"`
		Body        json.RawMessage `json:"body"`
		Type        EventType       `json:"type"`
		CreatedAt   string          `json:"createdAt"`
	}{e.ID, e.Recoverable, e.TaskID, e.Body, e.Type, stamp(e.CreatedAt)})
}

// NewTask is what a task is made of.
type NewTask struct {
	// Spec is a [workflow.Spec] as JSON. Clients read it back as it is, with members that the engine does not know.
	Spec json.RawMessage
	// ID is a UUID that the caller chose so that asking twice makes one task; "" = a new one.
	ID string
	// Initiator is who starts it: what its steps ask of other features they ask in that name. A user is its creator too.
	Initiator *principal.Principal
	// CreatedBy is what the list says of a task that no user made; "" = nothing.
	CreatedBy string
	// Secrets are what the user entered.
	Secrets secret.Set
}

// Filter selects tasks of a list.
type Filter struct {
	CreatedBy []string // any of these; none = any
	Status    []Status // any of these; none = any
	// Visible is what the reader may see, by rules of [OwnerRule]; nil = everything.
	Visible *permission.Criteria
	Order   []Order // none = the newest first
	Limit   *int    // nil = all
	Offset  int
}

// OwnerRule is the rule that criteria about tasks are made of: the task's creator is one of its parameter createdBy.
const OwnerRule = "IS_TASK_OWNER"

// Order is by one field.
type Order struct {
	Field      string
	Descending bool
}

// orderFields are the fields that a list may be ordered by: any other column would tell of what it holds.
var orderFields = map[string]bool{"created_at": true, "status": true, "created_by": true}

// ParseOrder reads "asc:created_at". Errors are InputErrors in the reference's words.
func ParseOrder(text string) (Order, error) {
	direction, field, found := strings.Cut(text, ":")
	if !found || direction != "asc" && direction != "desc" {
		return Order{}, apierror.Inputf("Invalid order parameter %q, expected \"<asc or desc>:<field name>\"", text)
	}
	if !orderFields[field] {
		return Order{}, apierror.Inputf("Invalid order field %q", field)
	}
	return Order{Field: field, Descending: direction == "desc"}, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
