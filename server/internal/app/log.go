package app

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/lmittmann/tint"

	"github.com/callboard/callboard/server/internal/config"
)

// NewLogger makes the logger that callboard.log asks for: level debug, info (default), warn or error; format text or
// json. Without a format, terminals get text and everything else gets JSON. Attributes that hold credentials are masked
// here, as the last net: nothing should log them.
func NewLogger(section *config.Section, w io.Writer, terminal bool) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(section.String("level", "info"))); err != nil {
		return nil, fmt.Errorf("callboard.log.level: %q is not a level; use debug, info, warn or error", section.String("level", ""))
	}
	format := section.String("format", "")
	if format == "" {
		format = map[bool]string{true: "text", false: "json"}[terminal]
	}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: mask})), nil
	case "text":
		return slog.New(tint.NewHandler(w, &tint.Options{Level: level, ReplaceAttr: mask, NoColor: !terminal, TimeFormat: "15:04:05.000"})), nil
	}
	return nil, fmt.Errorf("callboard.log.format: %q is not a format; use text or json", format)
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
