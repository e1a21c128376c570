//go:build linux

package launch_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestLogs_KeepLevelsAndFieldsAndNothingThatAPluginShouldNotSay(t *testing.T) {
	s := newSite(t)
	p := start(t, s.spec(t, "talk"))
	s.log.await(t, "talk is done")
	for _, unwanted := range []string{"hunter2", `\u001b`, "\x1b"} {
		if strings.Contains(s.log.String(), unwanted) {
			t.Errorf("the log holds %q", unwanted)
		}
	}
	entry := s.log.entry(t, "disk ")
	data, ok := entry["data"].(map[string]any)
	if !ok || entry["level"] != "WARN" || entry["plugin"] != "hello" || entry["module"] != "store" {
		t.Fatalf("%v", entry)
	}
	if data["free"] != json.Number("12345678901234567") || data["token"] != "a-***-b" || data["plugin"] != "other" {
		t.Errorf("%v", data)
	}
	if long := s.log.entry(t, "zzz"); long["cut"] != true || len(long["msg"].(string)) != 64<<10 {
		t.Errorf("a long line: cut %v, %d bytes", long["cut"], len(long["msg"].(string)))
	}
	if plain := s.log.entry(t, "plain text"); plain["level"] != "INFO" {
		t.Errorf("%v", plain)
	}
	last := p.Stderr()
	if len(last) != 4 || last[3] != "talk is done" || len(last[1]) > 3000 {
		t.Errorf("the last lines are %.200q", last)
	}
}

func TestLogs_AreLimitedToAThousandLinesASecond(t *testing.T) {
	s := newSite(t)
	p := start(t, s.spec(t, "chatter"))
	for len(p.Stderr()) == 0 || p.Stderr()[len(p.Stderr())-1] != "chatter is done" {
		awaitTick()
	}
	p.Kill()
	<-p.Exited()
	dropped, passed := 0, strings.Count(s.log.String(), `"msg":"line `)
	for line := range strings.Lines(s.log.String()) {
		var entry struct {
			Msg   string
			Lines int
		}
		if json.Unmarshal([]byte(line), &entry) == nil && strings.Contains(entry.Msg, "logs too much") {
			dropped += entry.Lines
		}
	}
	if strings.Contains(s.log.String(), "chatter is done") {
		passed++
	}
	if dropped+passed != 20001 || dropped == 0 {
		t.Errorf("%d lines passed and %d were counted as dropped, of 20001", passed, dropped)
	}
}

// entry is the first logged entry whose message begins with prefix.
func (b *logBuffer) entry(t *testing.T, prefix string) map[string]any {
	t.Helper()
	for line := range strings.Lines(b.String()) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var fields map[string]any
		if err := decoder.Decode(&fields); err != nil {
			t.Fatal(err)
		}
		if msg, ok := fields["msg"].(string); ok && strings.HasPrefix(msg, prefix) {
			return fields
		}
	}
	t.Fatalf("nothing begins with %q", prefix)
	return nil
}
