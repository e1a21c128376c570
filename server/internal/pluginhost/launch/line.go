package launch

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// entry is one line of stderr as the host logs it. A plugin's fields stand in a group of their own, so that none of them can
// pass for one of the host's.
type entry struct {
	level    slog.Level
	message  string
	attrs    []slog.Attr
	panicked bool
}

// lineParser reads stderr lines: JSON objects with @level, @message, @timestamp, @module, and anything else as text. It
// remembers a panic, whose trace goes on to the end.
type lineParser struct {
	clean   func(string) string
	inPanic bool
}

// Limits of one entry.
const (
	maxFields = 64
	maxDepth  = 4
)

func (p *lineParser) parse(line []byte) entry {
	if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] == '{' {
		if e, ok := p.parseJSON(trimmed); ok {
			return e
		}
	}
	text := string(line)
	e := entry{level: slog.LevelInfo, message: p.clean(text)}
	if strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
		e.panicked, p.inPanic = true, true
	}
	if p.inPanic {
		e.level = slog.LevelError
	}
	return e
}

func (p *lineParser) parseJSON(line []byte) (entry, bool) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil || decoder.More() {
		return entry{}, false
	}
	message, ok := fields["@message"].(string)
	if !ok {
		return entry{}, false
	}
	level, _ := fields["@level"].(string)
	e := entry{level: levelOf(level), message: p.clean(message)}
	if module, ok := fields["@module"].(string); ok && module != "" {
		e.attrs = append(e.attrs, slog.String("module", p.clean(module)))
	}
	var data []any
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !strings.HasPrefix(name, "@") && len(data) < maxFields {
			data = append(data, slog.Any(p.clean(name), p.value(fields[name], 0)))
		}
	}
	if len(data) > 0 {
		e.attrs = append(e.attrs, slog.Group("data", data...))
	}
	return e, true
}

// value cleans every text in v. Objects are told as their JSON, deep ones not at all.
func (p *lineParser) value(v any, depth int) any {
	switch v := v.(type) {
	case string:
		return p.clean(v)
	case json.Number:
		if text := p.clean(v.String()); text != v.String() { // a secret of digits
			return text
		}
		return v
	case map[string]any:
		if depth >= maxDepth {
			return "…"
		}
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[p.clean(name)] = p.value(member, depth+1)
		}
		return out
	case []any:
		if depth >= maxDepth {
			return "…"
		}
		out := make([]any, len(v))
		for i, member := range v {
			out[i] = p.value(member, depth+1)
		}
		return out
	default:
		return v
	}
}

func levelOf(name string) slog.Level {
	switch strings.ToLower(name) {
	case "trace", "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
