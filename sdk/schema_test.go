package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

type account struct {
	Name     string     `json:"name" min:"2"`
	Password sdk.Secret `json:"password"`
}

type everything struct {
	URL      string             `json:"url" title:"Address" desc:"Base URL of Sentry" format:"uri" example:"https://sentry.example.com"`
	Token    string             `json:"token" desc:"API token" secret:"true"`
	Mode     string             `json:"mode" enum:"fast,safe" default:"safe"`
	Limit    int                `json:"limit" default:"10" min:"1" max:"100"`
	Ratio    float64            `json:"ratio,omitempty" min:"0" max:"1"`
	Every    sdk.Duration       `json:"every" default:"10m"`
	Projects []string           `json:"projects,omitempty" max:"3"`
	Accounts map[string]account `json:"accounts,omitempty"`
	Nested   *account           `json:"nested"`
	On       bool               `json:"on" default:"true"`
	ID       int64              `json:"id,omitempty"`
	internal int
}

func startWith(t *testing.T, use func(context.Context, everything) error) *plugintest.Harness {
	t.Helper()
	p := sdk.New("x")
	sdk.Settings(p, use)
	return plugintest.Start(t, p, plugintest.Config(everything{URL: "https://a.example", Token: "t0ken"}))
}

func TestSettings_BecomeAJSONSchema(t *testing.T) {
	_ = everything{}.internal
	startWith(t, func(context.Context, everything) error { return nil }).WantSettingsSchema("testdata/settings.golden.json")
}

func TestSettings_ArriveWithDefaults(t *testing.T) {
	var got everything
	h := startWith(t, func(_ context.Context, s everything) error { got = s; return nil })
	if got.Mode != "safe" || got.Limit != 10 || got.Every.Std() != 10*time.Minute || !got.On || got.Nested != nil {
		t.Errorf("%+v", got)
	}
	err := h.Configure(json.RawMessage(`{"url":"https://b.example","token":"t","on":false,"every":"1h30m","id":9007199254740993,
		"accounts":{"a":{"name":"ann","password":"p4ss"}},"nested":{"name":"bob","password":"p4ss"}}`))
	if err != nil || got.On || got.Every.Std() != 90*time.Minute || got.ID != 9007199254740993 ||
		got.Accounts["a"].Password.Reveal() != "p4ss" || got.Nested.Name != "bob" {
		t.Errorf("%+v %v", got, err)
	}
}

// fleetSettings have defaults in lists, in maps, and in what stands in these.
type fleetSettings struct {
	Ships []ship          `json:"ships,omitempty"`
	Ports map[string]ship `json:"ports,omitempty"`
}

type ship struct {
	Name  string       `json:"name"`
	Every sdk.Duration `json:"every" default:"10m"`
	Crew  *crew        `json:"crew,omitempty"`
	Boats []crew       `json:"boats,omitempty"`
}

type crew struct {
	Size int `json:"size" default:"12"`
}

func TestSettings_ArriveWithTheDefaultsOfElements(t *testing.T) {
	var got fleetSettings
	p := sdk.New("x")
	sdk.Settings(p, func(_ context.Context, s fleetSettings) error { got = s; return nil })
	h := plugintest.Start(t, p, plugintest.Config(fleetSettings{}))
	err := h.Configure(json.RawMessage(`{"ships":[{"name":"a"},{"name":"b","every":"1s","crew":{},"boats":[{},{"size":3}]}],"ports":{"c":{"name":"c"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	tenMinutes := sdk.Duration(10 * time.Minute)
	want := fleetSettings{
		Ships: []ship{{Name: "a", Every: tenMinutes}, {Name: "b", Every: sdk.Duration(time.Second), Crew: &crew{12}, Boats: []crew{{12}, {3}}}},
		Ports: map[string]ship{"c": {Name: "c", Every: tenMinutes}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSettings_ThatAreWrongAreNamedOneByOneWithoutTheirSecrets(t *testing.T) {
	used := 0
	h := startWith(t, func(context.Context, everything) error { used++; return nil })
	for settings, want := range map[string]string{
		`{}`:                       "/url: url is missing\n/token: token is missing",
		`{"url":"/x","token":"t"}`: "/url: url must be an absolute address such as https://example.com",
		`{"url":"https://a.example","token":["canary"]}`:                                              "/token: token must be of type string",
		`{"url":"https://a.example","token":"t","mode":"wild","limit":0,"ratio":1.5}`:                 "/limit: limit must be at least 1\n/mode: mode must be one of fast, safe\n/ratio: ratio must be at most 1",
		`{"url":"https://a.example","token":"t","every":"soon"}`:                                      "/every: every must match",
		`{"url":"https://a.example","token":"t","projects":["a","b","c","d"]}`:                        "/projects: projects must have at most 3 entries",
		`{"url":"https://a.example","token":"t","projects":["a",2]}`:                                  "/projects/1: projects/1 must be of type string",
		`{"url":"https://a.example","token":"t","accounts":{"a/b":{"name":"x","password":"canary"}}}`: "/accounts/a~1b/name: accounts/a~1b/name must have at least 2 characters",
		`{"url":"https://a.example","token":"t","accounts":{"a":{"name":"xx","pass":"canary"}}}`:      "/accounts/a/password: accounts/a/password is missing\n/accounts/a/pass: accounts/a/pass is not known; known are name, password",
		`{"url":"https://a.example","token":"t","limit":1e400}`:                                       "must be a JSON object",
		`{"url":"https://a.example","token":"t","id":1.5}`:                                            "/id: id must be of type integer",
		`{"url":"https://a.example","token":"t","id":1e30}`:                                           "/id: id does not fit int64",
		`["canary"]`: "must be a JSON object",
		`null`:       "must be a JSON object",
		`{`:          "must be a JSON object",
	} {
		for verb, ask := range map[string]func(any) error{"validate": h.Validate, "configure": h.Configure} {
			err := ask(json.RawMessage(settings))
			if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s %s:\ngot  %v\nwant %s", verb, settings, err, want)
			}
		}
	}
	if used != 1 {
		t.Errorf("taken into use %d times", used)
	}
}

type opinionated struct {
	Token sdk.Secret `json:"token"`
}

func (o opinionated) Validate(context.Context) error {
	if !strings.HasPrefix(o.Token.Reveal(), "good") {
		return fmt.Errorf("the server does not know the token %s", o.Token.Reveal())
	}
	return nil
}

func TestSettings_OwnOpinionIsAskedBeforeUseAndHidesSecrets(t *testing.T) {
	used := 0
	p := sdk.New("x")
	sdk.Settings(p, func(context.Context, opinionated) error { used++; return nil })
	h := plugintest.Start(t, p, plugintest.Config(opinionated{Token: "good-canary"}))
	for _, ask := range []func(any) error{h.Validate, h.Configure} {
		if err := ask(opinionated{Token: "bad-canary"}); err == nil || err.Error() != "the server does not know the token [secret]" {
			t.Error(err)
		}
	}
	if used != 1 {
		t.Errorf("taken into use %d times", used)
	}
}

func TestSettings_KeepSecretsOutOfErrorsOfCapabilities(t *testing.T) {
	p := sdk.New("x")
	sdk.Settings(p, func(context.Context, opinionated) error { return nil })
	p.Task("leaks", time.Hour, func(context.Context) error { return errors.New("GET /?token=good-canary: 500") })
	p.Task("leaks-named", time.Hour, func(context.Context) error { return fmt.Errorf("good-canary: %w", sdk.ErrConflict) })
	p.Health(func(context.Context) error { return errors.New("good-canary is refused") })
	sdk.Action(p, "leaks", func(a sdk.ActionContext[struct{}]) (map[string]any, error) {
		a.Log.Info("using good-canary", "url", "https://x/?t=good-canary")
		return nil, errors.New("good-canary")
	})
	p.StagedProcessor(sdk.Stages{Name: "leaks", PreProcess: func(_ context.Context, pr *sdk.Processing, e sdk.Entity) (sdk.Entity, error) {
		pr.Warn("good-canary is old")
		return e, nil
	}})
	h := plugintest.Start(t, p, plugintest.Config(opinionated{Token: "good-canary"}))
	if run := h.RunAction("leaks", struct{}{}); strings.Contains(fmt.Sprint(run.Logs, run.Err), "canary") || run.Logs[0] != `info: using [secret] url="https://x/?t=[secret]"` {
		t.Errorf("%+v", run)
	}
	if got := h.Process("leaks", plugintest.Component("a")); got.Err != nil || got.Warnings[0] != "[secret] is old" {
		t.Errorf("%+v", got)
	}
	if err := h.RunTask("leaks"); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
	if err := h.RunTask("leaks-named"); !errors.Is(err, sdk.ErrConflict) || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
	if err := h.Health(); err == nil || err.Error() != "[secret] is refused" {
		t.Error(err)
	}
}

func TestSecret_DoesNotPrintItself(t *testing.T) {
	s := sdk.Secret("canary")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s, "in", struct{ S sdk.Secret }{s})
	data, err := json.Marshal(map[string]any{"s": s, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{log.String(), string(data), fmt.Sprintf("%s %v %+v %#v %q %x %d", s, s, s, s, s, s, s), fmt.Sprint(struct{ S sdk.Secret }{s})} {
		if strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
			t.Error(text)
		}
	}
}

func FuzzSettingsDecode(f *testing.F) {
	p := sdk.New("x")
	sdk.Settings(p, func(context.Context, everything) error { return nil })
	h := plugintest.Start(f, p, plugintest.Config(everything{URL: "https://a.example", Token: "t0ken"}))
	f.Add([]byte(`{"url":"https://b.example","token":"t","accounts":{"a":{"name":"ann","password":"p4ss"}},"nested":null}`))
	f.Add([]byte(`{"url":"https://b.example","token":"t","projects":[null],"every":"1ns"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Whatever it is, the plugin answers; and what it finds good, it can take into use.
		if h.Validate(json.RawMessage(data)) == nil {
			if err := h.Configure(json.RawMessage(data)); err != nil {
				t.Errorf("valid, but refused: %v", err)
			}
		}
	})
}

func TestSettings_OfNothingRefuseEverything(t *testing.T) {
	p := sdk.New("x")
	sdk.Settings(p, func(context.Context, struct{}) error { return nil })
	h := plugintest.Start(t, p)
	if err := h.Validate(json.RawMessage(`{"a":1}`)); err == nil || err.Error() != "/a: a is not known; there is nothing to set" {
		t.Error(err)
	}
}
