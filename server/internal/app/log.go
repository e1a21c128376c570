package app

import (
	"io"
	"log/slog"
	"strings"

	"github.com/lmittmann/tint"

	"github.com/callboard/callboard/server/internal/config"
)

// NewLogger makes the logger that callboard.log asks for: level debug, info (default), warn or error; format text or
// json. Without a format, terminals get text and everything else gets JSON. Attributes that hold credentials are masked
// here, as the last net: nothing should log them. Options that mean nothing are reported through the configuration.
func NewLogger(section *config.Section, w io.Writer, terminal bool) *slog.Logger {
	level, format := readLogOptions(section, terminal)
	if format == "text" {
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: level, ReplaceAttr: mask, NoColor: !terminal, TimeFormat: "15:04:05.000"}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: mask}))
}

func readLogOptions(section *config.Section, terminal bool) (level slog.Level, format string) {
	if err := level.UnmarshalText([]byte(section.String("level", "info"))); err != nil {
		section.Problem("level", "must be debug, info, warn or error")
	}
	format = section.String("format", map[bool]string{true: "text", false: "json"}[terminal])
	if format != "text" && format != "json" {
		section.Problem("format", "must be text or json")
	}
	return level, format
}

var secretAttributes = []string{"token", "password", "secret", "authorization", "cookie", "privatekey"}

// mask also writes durations as people read them: JSON would have nanoseconds.
func mask(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.String(a.Key, a.Value.Duration().String())
	}
	key := strings.ToLower(a.Key)
	for _, secret := range secretAttributes {
		if strings.Contains(key, secret) {
			return slog.String(a.Key, config.Secret)
		}
	}
	return a
}
