package launch

import (
	"log/slog"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

func TestGuard_WarnsAtTheLimitAndKillsAtOneAndAFifth(t *testing.T) {
	g := guard{limits: manifest.Limits{Memory: 256 << 20, Processes: 8}}
	for i, step := range []struct {
		memory     manifest.Size
		processes  int
		warn, kill bool
	}{
		{255 << 20, 1, false, false},
		{257 << 20, 1, true, false},
		{270 << 20, 1, false, false}, // said already
		{200 << 20, 1, false, false},
		{300 << 20, 8, true, false},
		{308 << 20, 1, false, true},
		{1 << 20, 9, false, true},
	} {
		got := g.judge(Stats{Private: step.memory, Processes: step.processes})
		if (got.warn != "") != step.warn || (got.kill != "") != step.kill {
			t.Errorf("step %d: %+v", i, got)
		}
	}
	if got := g.judge(Stats{Private: 400 << 20}); got.kill != "memory limit 256 MiB reached" {
		t.Errorf("%q", got.kill)
	}
}

func TestLimiter_CountsWhatItDropsPerSecond(t *testing.T) {
	now := time.Unix(100, 0)
	l := limiter{now: func() time.Time { return now }, most: 2}
	passed := 0
	for range 5 {
		if ok, _ := l.allow(); ok {
			passed++
		}
	}
	now = now.Add(time.Second)
	ok, dropped := l.allow()
	if passed != 2 || !ok || dropped != 3 || l.left() != 0 {
		t.Errorf("%d passed, then %v, %d dropped", passed, ok, dropped)
	}
}

func TestLineParser_TellsPanicsAndForeignJSON(t *testing.T) {
	p := lineParser{clean: func(text string) string { return text }}
	for _, c := range []struct {
		line, message string
		level         slog.Level
	}{
		{`{"@level":"debug","@message":"m"}`, "m", slog.LevelDebug},
		{`{"@level":"loud","@message":"m"}`, "m", slog.LevelInfo},
		{`{"level":"error","msg":"not ours"}`, `{"level":"error","msg":"not ours"}`, slog.LevelInfo},
		{`{"@message":"m"} and more`, `{"@message":"m"} and more`, slog.LevelInfo},
		{"panic: boom", "panic: boom", slog.LevelError},
		{"goroutine 1 [running]:", "goroutine 1 [running]:", slog.LevelError},
	} {
		if e := p.parse([]byte(c.line)); e.message != c.message || e.level != c.level {
			t.Errorf("%s: %q at %s", c.line, e.message, e.level)
		}
	}
}

func FuzzLineParser_TakesWhateverAPluginWrites(f *testing.F) {
	f.Add([]byte(`{"@level":"info","@message":"m","n":1e999,"o":{"p":[null,{"q":{"r":{"s":1}}}]}}`))
	f.Add([]byte("panic: "))
	f.Fuzz(func(_ *testing.T, line []byte) {
		p := lineParser{clean: func(text string) string { return text }}
		_ = p.parse(line)
		_, _ = readHandshake(string(line), "/run/x")
	})
}
