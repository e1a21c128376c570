package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLog_KeepsTheProtocolsNamesForTheProtocol(t *testing.T) {
	var out bytes.Buffer
	p := New("logs")
	p.LogLevel().Set(slog.LevelDebug)
	log := newLogger(&out, p)
	ctx := withTrace(context.Background(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	log.With("level", "of water", "a", 1).WithGroup("g").WarnContext(ctx, "line\none", "time", time.Unix(0, 0), "msg", "m")
	log.DebugContext(ctx, "plain", "msg", "mine", "@level", "forged", "time", time.Unix(0, 0).UTC(), "long", strings.Repeat("x", 20<<10))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, want := range []string{
		`{"@level":"warn","@message":"line\none","@module":"logs","a":1,"g":{"msg":"m","time":"1970-01-01T00:00:00Z"},"level_":"of water"}`,
		`{"@level":"debug","@message":"plain","@module":"logs","level_":"forged","msg_":"mine","time_":"1970-01-01T00:00:00Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`,
	} {
		var record map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &record); err != nil {
			t.Fatal(err)
		}
		delete(record, "@timestamp")
		if long, ok := record["long"].(string); ok && len(long) > maxLogText+20 {
			t.Errorf("a text of %d bytes", len(long))
		}
		delete(record, "long")
		got := string(must(json.Marshal(record)))
		got = strings.Replace(got, time.Unix(0, 0).Format(time.RFC3339), "1970-01-01T00:00:00Z", 1)
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestLog_HidesSecretsHoweverTheyAreWrittenAndWhereTextsAreCut(t *testing.T) {
	var out bytes.Buffer
	p := New("logs")
	log := newLogger(&out, p)
	const secret = `core"<&>\hidden`
	p.secrets.set([]string{"core", secret})
	log.Info(secret, "body", `{"token":`+string(must(json.Marshal(secret)))+`}`, "group", slog.GroupValue(slog.String("a", secret)))
	log.Info(strings.Repeat("x", maxLogText-8) + secret)
	for _, trace := range []string{"core", "hidden", "cor"} {
		if strings.Contains(out.String(), trace) {
			t.Errorf("%q is in the log: %.400s", trace, out.String())
		}
	}
}
