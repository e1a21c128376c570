package pluginhost

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLogbook_KeepsTheLastLinesAndPassesThemOn(t *testing.T) {
	var host bytes.Buffer
	book := newLogbook(slog.NewTextHandler(&host, &slog.HandlerOptions{Level: slog.LevelInfo}), func(s string) string { return s })
	log := slog.New(book).With("plugin", "shop")
	log.WithGroup("http").Info("served", "status", 200, slog.Group("by", "who", "ann"), "took", time.Second)
	log.Debug("quiet")
	for i := range logLines {
		log.Info(fmt.Sprint("line ", i))
	}
	lines, more := book.since(0)
	if len(lines) != logLines || lines[0].Message != "line 0" || lines[logLines-1].Message != fmt.Sprint("line ", logLines-1) {
		t.Errorf("%d lines from %q", len(lines), lines[0].Message)
	}
	if last, _, _ := book.tail(3); len(last) != 3 || last[2].Seq != lines[logLines-1].Seq {
		t.Errorf("%+v", last)
	}
	log.Warn("another")
	<-more
	after, _ := book.since(lines[logLines-1].Seq)
	if len(after) != 1 || after[0].Level != "warn" {
		t.Errorf("%+v", after)
	}
	if text := host.String(); !strings.Contains(text, "plugin=shop http.status=200 http.by.who=ann") || strings.Contains(text, "quiet") {
		t.Error(text[:200])
	}
}

func TestLogbook_FieldsKeepTheirGroups(t *testing.T) {
	book := newLogbook(slog.DiscardHandler, func(s string) string { return s })
	slog.New(book).With("a", 1).WithGroup("g").With("b", true).Error("m", "c", errors.New("e"), slog.Group("", "d", time.Minute))
	want := map[string]any{"a": int64(1), "g": map[string]any{"b": true, "c": "e", "d": "1m0s"}}
	lines, _, _ := book.tail(1)
	if diff := cmp.Diff(want, lines[0].Fields); diff != "" {
		t.Error(diff)
	}
}

func TestLogbook_SecretsAreTakenOutOfEverything(t *testing.T) {
	const canary = `can"ary/42+`
	var r redactor
	r.add(canary, "abc", "-----BEGIN KEY-----\nline-of-key\n-----END KEY-----", "can")
	var host bytes.Buffer
	book := newLogbook(slog.NewJSONHandler(&host, nil), r.redact)
	slog.New(book).With("t", "x"+canary).Info("say "+canary, "a", canary, canary, 1, "e", errors.New(canary), slog.Group("g", "k", canary),
		"basic", base64.StdEncoding.EncodeToString([]byte(canary)), "url", "https://a.example/?t=can%22ary%2F42%2B", "pem", "line-of-key", "json", `{"t":"can\"ary/42+"}`)
	slog.New(book).Info("abc stays")
	lines, _, _ := book.tail(5)
	kept := fmt.Sprint(lines)
	for _, text := range []string{host.String(), kept} {
		for _, form := range []string{"can", "ary", "Y2FuImFyeS80Mis", "line-of-key"} {
			if strings.Contains(text, form) {
				t.Errorf("%q is in %s", form, text)
			}
		}
		if !strings.Contains(text, "abc stays") {
			t.Errorf("a text without secrets was changed: %s", text)
		}
	}
}
