package notifications

import "time"

// Severity of a notification.
type Severity string

// severities from the worst down.
var severities = []Severity{"critical", "high", "normal", "low"}

const defaultSeverity Severity = "normal"

// User is the ref of a user entity, in lower case.
type User string

// Notification is what a user has, or what was broadcast to everybody (User nil). Times are nil for "not yet".
type Notification struct {
	ID      string  `json:"id"`
	User    *User   `json:"user"`
	Created Time    `json:"created"`
	Saved   *Time   `json:"saved"`
	Read    *Time   `json:"read"`
	Updated *Time   `json:"updated"`
	Origin  string  `json:"origin"`
	Payload Payload `json:"payload"`
}

// Payload is the stored part of what was sent.
type Payload struct {
	Title       string   `json:"title"`
	Description *string  `json:"description"`
	Link        *string  `json:"link"`
	Topic       *string  `json:"topic"`
	Severity    Severity `json:"severity"`
	Scope       *string  `json:"scope"`
	Icon        *string  `json:"icon"`
}

// Time is milliseconds since 1970, written as the reference writes dates.
type Time int64

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(time.UnixMilli(int64(t)).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

// Status counts a user's notifications.
type Status struct {
	Unread int `json:"unread"`
	Read   int `json:"read"`
}

// Filter selects among what a user may see.
type Filter struct {
	IDs             []string // nil = any, empty = none
	Read, Saved     *bool
	Search          string
	Topic           string
	CreatedAfter    *Time
	MinimumSeverity Severity // "" = any
}

// Order is one part of an order.
type Order struct {
	Column     string
	Descending bool
}

// orderColumns are the fields that a list may be ordered by. Nothing else of the tables can be asked for.
var orderColumns = map[string]string{
	"id": "id", "title": "title", "description": "description", "severity": "severity", "link": "link", "origin": "origin",
	"scope": "scope", "topic": "topic", "icon": "icon", "created": "created_at", "updated": "updated_at",
	"user": "user_entity_ref", "read": "read_at", "saved": "saved_at",
}

// maxPage is what a list without a limit ends at.
const maxPage = 10_000

// List is what to list.
type List struct {
	Filter
	Order         []Order // nil = latest first
	Limit, Offset int     // Limit < 0 = as many as possible
}
