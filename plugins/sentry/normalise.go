package main

import (
	"encoding/json"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What the community's frontend and its public types read of an issue. The frontend throws where metadata or stats is not
// an object, so all of it is always there, whatever the version of Sentry leaves out.
var (
	textFields = []string{
		"id", "shortId", "title", "culprit", "permalink", "level", "status", "type", "platform", "firstSeen", "lastSeen",
	}
	nullFields   = []string{"shareId", "logger", "assignedTo", "subscriptionDetails"}
	objectFields = []string{"metadata", "stats", "project", "statusDetails"}
	boolFields   = []string{"isPublic", "isSubscribed", "isBookmarked", "hasSeen"}
	numberFields = []string{"userCount", "numComments"}
)

// normalise gives an issue all fields, with the types that clients rely on, and answers what widgets show. Members that
// it does not know stay as they are.
func normalise(o map[string]any, period string) issue {
	for _, name := range textFields {
		o[name] = text(o[name])
	}
	for _, name := range objectFields {
		if _, ok := o[name].(map[string]any); !ok {
			o[name] = map[string]any{}
		}
	}
	for _, name := range boolFields {
		if _, ok := o[name].(bool); !ok {
			o[name] = false
		}
	}
	for _, name := range numberFields {
		o[name] = number(o[name])
	}
	for _, name := range nullFields {
		if _, ok := o[name]; !ok {
			o[name] = nil
		}
	}
	if _, ok := o["annotations"].([]any); !ok {
		o["annotations"] = []any{}
	}
	return rowOf(o, period)
}

func rowOf(o map[string]any, period string) issue {
	metadata, _ := o["metadata"].(map[string]any)
	for _, name := range []string{"type", "value", "filename", "function"} {
		if v, ok := metadata[name]; ok {
			metadata[name] = text(v)
		}
	}
	stats, _ := o["stats"].(map[string]any)
	o["stats"] = onlyPeriod(stats, period)
	o["permalink"] = webLink(text(o["permalink"]))
	if o["count"] = text(o["count"]); o["count"] == "" {
		o["count"] = "0"
	}
	row := issue{
		title: text(o["title"]), permalink: text(o["permalink"]), events: float(json.Number(text(o["count"]))), users: float(number(o["userCount"])),
		firstSeen: instant(o, "firstSeen"), lastSeen: instant(o, "lastSeen"),
	}
	if kind := text(metadata["type"]); kind != "" {
		row.title = strings.TrimSuffix(kind+": "+text(metadata["value"]), ": ")
	}
	return row
}

// onlyPeriod leaves one series of events, under the period that was asked for. Clients take "14d" if that key is there at
// all; servers differ in what they call the series.
func onlyPeriod(stats map[string]any, period string) map[string]any {
	if period == "" {
		return map[string]any{}
	}
	found, ok := stats[period].([]any)
	if !ok && len(stats) == 1 {
		found, _ = stats[slices.Collect(maps.Keys(stats))[0]].([]any)
	}
	return map[string]any{period: slices.DeleteFunc(append([]any{}, found...), func(v any) bool {
		pair, _ := v.([]any)
		return len(pair) != 2 || number(pair[0]) != pair[0] || number(pair[1]) != pair[1]
	})}
}

// text is a text, or a number as text, or "".
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// number is a number, also one that came as text, or 0.
func number(v any) json.Number {
	n := json.Number(text(v))
	if _, err := n.Float64(); err != nil || !json.Valid([]byte(n)) { // Go reads more as a number than JSON does
		return "0"
	}
	return n
}

func float(n json.Number) float64 {
	f, err := n.Float64()
	if err != nil || math.IsNaN(f) {
		return 0
	}
	return f
}

// webLink is an address that a page may follow, or "".
func webLink(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}

// instant reads a time; one that is none is taken out, since clients show "Invalid DateTime".
func instant(o map[string]any, name string) time.Time {
	t, err := time.Parse(time.RFC3339, text(o[name]))
	if err != nil {
		o[name] = ""
	}
	return t
}
