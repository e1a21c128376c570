package console

import (
	"context"
	"time"
)

// Source tells what the page shows. It is asked once per request, on the request's goroutine, and should answer within
// a second; the page gives up after five.
type Source interface {
	Overview(ctx context.Context) (Overview, error)
}

// Overview is the state of one host at one moment. Its JSON form is /console.json.
type Overview struct {
	// Organization is the name of whose host this is (organization.name), "" = not told.
	Organization string    `json:"organization,omitempty"`
	Version      string    `json:"version"`
	Started      time.Time `json:"started"`
	// Ready is false while the host is still reading its catalog for the first time.
	Ready bool `json:"ready"`
	// Database is for reading: "SQLite, callboard.db". It must not hold credentials.
	Database string `json:"database"`
	// Listeners are for reading as well: "http://127.0.0.1:7007".
	Listeners []Listener `json:"listeners"`
	Kinds     []Kind     `json:"kinds"`
	// Pending counts entities that are known but not yet processed.
	Pending  int       `json:"pending"`
	Problems []Problem `json:"problems"`
	// Frontend is the folder of the built frontend that is served, "" = none: the console is on its address then.
	Frontend string `json:"frontend,omitempty"`
	// Configuration lists the files that were read, ConfigNotes what was noticed in them.
	Configuration []string     `json:"configuration"`
	ConfigNotes   []ConfigNote `json:"configNotes"`
	Features      []Feature    `json:"features"`
	Plugins       []Plugin     `json:"plugins,omitempty"`
}

// Listener is one address with what it is for.
type Listener struct {
	Purpose string `json:"purpose"`
	Address string `json:"address"`
}

// Kind is a kind of entities and how many there are.
type Kind struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

// Problem is one thing that could not be ingested. All but Location and Message may be empty.
type Problem struct {
	Location  string    `json:"location"` // "file:/a/b.yaml", "url:https://…" or a plain path
	Line      int       `json:"line,omitempty"`
	Column    int       `json:"column,omitempty"`
	EntityRef string    `json:"entityRef,omitempty"`
	Field     string    `json:"field,omitempty"`
	Name      string    `json:"name,omitempty"`
	Message   string    `json:"message"`
	Since     time.Time `json:"since,omitzero"`
}

// ConfigNote is a remark about the configuration.
type ConfigNote struct {
	Severity string `json:"severity"` // "error" or "warning"
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Key      string `json:"key,omitempty"`
	Message  string `json:"message"`
}

// Feature is something that answers under /api.
type Feature struct {
	ID     string `json:"id"`
	Routes int    `json:"routes"`
}
