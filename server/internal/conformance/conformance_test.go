package conformance_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/conformance"
)

var (
	areaFlag    = flag.String("area", "", "replay only areas with this prefix")
	idFlag      = flag.String("id", "", "replay only cases with this prefix")
	recordFlag  = flag.Bool("update", false, "rewrite testdata/exceptions.json from this run, keeping the reasons")
	lenientFlag = flag.Bool("lenient-messages", false, "do not compare the texts of error messages")
)

// The areas that the product answers in full. The others are replayed when their feature is built.
var areas = []string{"auth", "catalog.ancestry", "catalog.by-name", "catalog.by-query", "catalog.by-refs", "catalog.entities", "catalog.errors",
	"catalog.facets", "catalog.ingested", "catalog.locations", "catalog.lifecycle", "catalog.refresh", "catalog.validate", "health", "http.errors",
	"notifications", "permission", "proxy", "scaffolder.api", "scaffolder.fetch", "scaffolder.templating", "search", "signals", "user-settings", "well-known"}

// recordedPort is the upstream's port in the recorded data; each run gets a free one.
const recordedPort = "127.0.0.1:7190"

// sometimes begins the reason of a case that depends on where the test runs.
const sometimes = "sometimes: "

// exceptions are the cases that are not met, by id, with the reason.
type exceptions map[string]string

func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole program and replays more than a thousand cases")
	}
	s := start(t)
	known := loadExceptions(t)
	score := map[string]*tally{}
	for i, c := range s.cases {
		if c.Area == sampled && i%8 != 0 {
			continue
		}
		if !slices.Contains(areas, c.Area) && *areaFlag == "" || !strings.HasPrefix(c.Area, *areaFlag) || !strings.HasPrefix(c.ID, *idFlag) {
			continue
		}
		if score[c.Area] == nil {
			score[c.Area] = &tally{}
		}
		differences := s.runner.Run(t.Context(), c)
		score[c.Area].add(differences)
		known.judge(t, c, differences)
	}
	report(t, score)
	if *recordFlag {
		known.save(t)
	}
}

type tally struct{ passed, lenient, failed int }

func (s *tally) add(differences []conformance.Difference) {
	switch {
	case len(differences) == 0:
		s.passed++
	case !slices.ContainsFunc(differences, func(d conformance.Difference) bool { return !strings.HasSuffix(d.Path, "/message") }):
		s.lenient++
	default:
		s.failed++
	}
}

func report(t *testing.T, score map[string]*tally) {
	var total tally
	lines := []string{fmt.Sprintf("%-20s %7s %14s %7s", "area", "passed", "but for texts", "failed")}
	for _, area := range slices.Sorted(func(yield func(string) bool) {
		for a := range score {
			if !yield(a) {
				return
			}
		}
	}) {
		s := score[area]
		lines = append(lines, fmt.Sprintf("%-20s %7d %14d %7d", area, s.passed, s.lenient, s.failed))
		total.passed, total.lenient, total.failed = total.passed+s.passed, total.lenient+s.lenient, total.failed+s.failed
	}
	all := total.passed + total.lenient + total.failed
	lines = append(lines, fmt.Sprintf("%-20s %7d %14d %7d   %.1f %% strict, %.1f %% lenient", "all", total.passed, total.lenient, total.failed,
		100*float64(total.passed)/float64(all), 100*float64(total.passed+total.lenient)/float64(all)))
	t.Log("\n" + strings.Join(lines, "\n"))
}

func (e exceptions) judge(t *testing.T, c conformance.Case, differences []conformance.Difference) {
	reason, listed := e[c.ID]
	switch {
	case len(differences) == 0 && strings.HasPrefix(reason, sometimes):
	case len(differences) == 0 && listed:
		delete(e, c.ID)
		if !*recordFlag {
			t.Errorf("%s passes now: take it out of testdata/exceptions.json", c.ID)
		}
	case len(differences) > 0 && !listed:
		e[c.ID] = "?"
		lines := make([]string, 0, 6)
		for _, d := range differences[:min(6, len(differences))] {
			lines = append(lines, "    "+d.String())
		}
		t.Errorf("%s - %s\n%s", c.ID, c.Why, strings.Join(lines, "\n"))
	case len(differences) > 0 && reason == "?":
		t.Errorf("%s is an exception without a reason", c.ID)
	}
}

const exceptionsFile = "testdata/exceptions.json"

func loadExceptions(t *testing.T) exceptions {
	t.Helper()
	known := exceptions{}
	data, err := os.ReadFile(exceptionsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &known); err != nil {
		t.Fatal(err)
	}
	return known
}

func (e exceptions) save(t *testing.T) {
	t.Helper()
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exceptionsFile, append(data, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

type subject struct {
	runner *conformance.Runner
	cases  []conformance.Case
}

// start runs the whole program on a copy of the fixtures whose upstream has a port of its own.
func start(t *testing.T) subject {
	t.Helper()
	upstream := httptest.NewUnstartedServer(nil)
	address := upstream.Listener.Addr().String()
	rewrite := func(s string) string { return strings.ReplaceAll(s, recordedPort, address) }
	fixtures := copyFixtures(t, rewrite)
	files := conformance.NewUpstream(fixtures)
	upstream.Config.Handler = files
	upstream.Start()
	t.Cleanup(upstream.Close)

	base := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	run(t, fixtures, base)
	suite, err := conformance.LoadSuite(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := conformance.LoadCases("testdata/cases", suite.LateAreas, rewrite)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := conformance.NewRunner(base, suite, fixtures, files, upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	runner.Lenient = *lenientFlag
	settle(t, runner, suite)
	return subject{runner, cases}
}

// run starts the program and ends it, orderly, with the test.
func run(t *testing.T, fixtures, base string) {
	t.Helper()
	// The race detector makes the template engine forty times slower.
	env := []string{`APP_CONFIG_callboard_scaffolder_templates_timeout="1m"`, "FIXTURES=" + fixtures, "BASE_URL=" + base, "PORT=" + base[strings.LastIndexByte(base, ':')+1:],
		"APP_CONFIG_callboard_operations_listen=false"}
	options := config.Options{Files: []string{filepath.Join(fixtures, "app-config.yaml")}, Dir: fixtures, Env: env}
	cfg, err := config.Load(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	a, err := app.New(ctx, app.Options{Config: cfg, Source: options, Logger: slog.New(slog.DiscardHandler), Version: "conformance"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// settle waits until the fixture catalog is as it was when the cases were recorded.
func settle(t *testing.T, runner *conformance.Runner, suite conformance.Suite) {
	t.Helper()
	var state string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var settled bool
		if settled, state = runner.Settled(t.Context(), suite); settled {
			runner.SignInAgain()
			return
		}
	}
	t.Logf("the catalog did not settle: %s", state)
}

func copyFixtures(t *testing.T, rewrite func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	source := os.DirFS("testdata/fixtures")
	err := fs.WalkDir(source, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, path)
		if d.IsDir() {
			return os.MkdirAll(target, 0o750)
		}
		data, err := fs.ReadFile(source, path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, []byte(rewrite(string(data))), 0o644) // logs tell the mode, and this one was recorded
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
