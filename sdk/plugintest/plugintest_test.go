package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

type inner struct {
	Secret sdk.Secret   `json:"secret"`
	Every  sdk.Duration `json:"every,omitempty"`
}

type settings struct {
	Name  string           `json:"name" default:"unnamed"`
	Token sdk.Secret       `json:"token,omitempty"`
	List  []inner          `json:"list,omitempty"`
	Map   map[string]inner `json:"map,omitempty"`
	One   *inner           `json:"one,omitempty"`
	At    time.Time        `json:"at,omitzero"`
	Skip  string           `json:"-"`
}

func TestConfig_GivesSecretsInClearAndLeavesZeroMembersOut(t *testing.T) {
	var got settings
	p := sdk.New("x")
	sdk.Settings(p, func(_ context.Context, s settings) error { got = s; return nil })
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	given := settings{
		Token: "t0ken", List: []inner{{Secret: "a"}}, Map: map[string]inner{"k": {Secret: "b", Every: sdk.Duration(time.Minute)}},
		One: &inner{Secret: "c"}, At: at, Skip: "x",
	}
	plugintest.Start(t, p, plugintest.Config(given))
	if got.Name != "unnamed" || got.Token.Reveal() != "t0ken" || got.List[0].Secret.Reveal() != "a" || got.Map["k"].Every.Std() != time.Minute ||
		got.One.Secret.Reveal() != "c" || !got.At.Equal(at) || got.Skip != "" {
		t.Errorf("%+v", got)
	}
}

// recorder is a test that fails without failing this one.
type recorder struct {
	testing.TB

	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

type stop struct{}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(stop{})
}

// failures runs a check and answers what it complained about.
func failures(t *testing.T, check func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(stop{}) {
				panic(p)
			}
		}()
		check(r)
	}()
	return strings.Join(r.failures, "\n")
}

func TestGolden_ShowsTheFirstDifferenceAndIsWrittenOnDemand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sub", "f.golden.json")
	if got := failures(t, func(tb testing.TB) { plugintest.Golden(tb, file, 1) }); !strings.Contains(got, "CALLBOARD_UPDATE=1 writes it") {
		t.Error(got)
	}
	t.Setenv("CALLBOARD_UPDATE", "1")
	plugintest.Golden(t, file, map[string]int{"a": 1, "b": 2})
	t.Setenv("CALLBOARD_UPDATE", "")
	plugintest.Golden(t, file, map[string]int{"a": 1, "b": 2})
	got := failures(t, func(tb testing.TB) { plugintest.Golden(tb, file, map[string]int{"a": 1, "b": 3}) })
	if !strings.Contains(got, "-   \"b\": 2\n") || !strings.Contains(got, "+   \"b\": 3\n") {
		t.Error(got)
	}
}

func TestStart_FailsTheTestOfAPluginThatRefusesItsSettings(t *testing.T) {
	got := failures(t, func(tb testing.TB) {
		p := sdk.New("picky")
		sdk.Settings(p, func(context.Context, settings) error { return errors.New("the server is on fire") })
		plugintest.Start(tb, p)
	})
	if !strings.Contains(got, "plugin picky does not accept its settings: the server is on fire") {
		t.Error(got)
	}
}

func TestDo_SendsBodiesOfAllForms(t *testing.T) {
	p := sdk.New("x")
	p.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(w, "%s|%s", r.Header.Get("Content-Type"), body)
	})
	p.HandleFunc("GET /away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	h := plugintest.Start(t, p)
	for want, body := range map[string]any{
		"|": nil, "text/plain; charset=utf-8|s": "s", "application/octet-stream|b": []byte("b"), `application/json|{"a":1}`: map[string]int{"a": 1},
	} {
		if got := h.Do("POST", "/echo", body).Text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if res := h.Get("/away"); res.Status != http.StatusFound || res.Header.Get("Location") != "/echo" {
		t.Errorf("%d %v", res.Status, res.Header)
	}
	if got := failures(t, func(tb testing.TB) { h.Get("/away").JSON(tb, new(json.RawMessage)) }); !strings.Contains(got, "the answer 302 is no JSON") {
		t.Error(got)
	}
}

func TestHarness_LeavesNothingBehind(t *testing.T) {
	var dir string
	t.Run("a test", func(t *testing.T) {
		p := sdk.New("x")
		plugintest.Start(t, p)
		dir = p.DataDir()
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error(err)
	}
}
