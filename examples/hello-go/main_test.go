package main

import (
	"bufio"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func start(t *testing.T, s settings) *plugintest.Harness {
	t.Helper()
	return plugintest.Start(t, newPlugin(), plugintest.Config(s))
}

func TestRoute_GreetsAndTellsWhoAsked(t *testing.T) {
	h := start(t, settings{Greeting: "Hi"})
	var got struct{ Greeting, Principal string }
	h.Get("/greeting/ann", plugintest.As("user:default/ann")).JSON(t, &got)
	if got.Greeting != "Hi, ann!" || got.Principal != "user:default/ann" {
		t.Errorf("got %+v", got)
	}
}

func TestHealth_AnswersEverybody(t *testing.T) {
	if res := start(t, settings{}).Get("/health"); res.Status != http.StatusOK || res.Text() != `{"status":"ok"}` {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestTicks_AreServerSentEvents(t *testing.T) {
	h := start(t, settings{})
	res := h.Open("GET", "/ticks?count=1", nil)
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if err != nil || line != "data: {\"tick\":0}\n" || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q %v %v", line, res.Header, err)
	}
}

func TestProvider_GivesTwoComponents(t *testing.T) {
	start(t, settings{}).RunProvider("greetings").WantEntities(t, "testdata/greetings.golden.json")
}

func TestProcessor_GreetsWhoIsAnnotated(t *testing.T) {
	h := start(t, settings{})
	e := plugintest.Annotated(plugintest.Component("shop"), "hello.callboard.dev/greet", "shop")
	if got := h.Process("greeted", e); got.Err != nil || got.Entity.Annotation("hello.callboard.dev/greeted") != "Hello, shop!" {
		t.Errorf("%v %v", got.Entity, got.Err)
	}
}

func TestAction_GreetsAndLogs(t *testing.T) {
	run := start(t, settings{}).RunAction("hello-go:greet", map[string]string{"name": "ann"}, plugintest.ActionRequest{DryRun: true})
	if run.Err != nil || run.Output["greeting"] != "Hello, ann!" {
		t.Errorf("%v %v", run.Output, run.Err)
	}
	if got := strings.Join(run.Logs, "; "); got != "info: greeting ann; info: dry run: nobody hears it" {
		t.Error(got)
	}
}

func TestAction_RefusesInputWithoutAName(t *testing.T) {
	run := start(t, settings{}).RunAction("hello-go:greet", map[string]string{})
	if !errors.Is(run.Err, sdk.ErrInput) {
		t.Error(run.Err)
	}
}

func TestFilter_Shouts(t *testing.T) {
	h := start(t, settings{})
	var loud string
	if err := h.Filter("goShout", &loud, "hi"); err != nil || loud != "HI!" {
		t.Error(loud, err)
	}
	if err := h.Filter("goShout", &loud, "hi", "?"); err != nil || loud != "HI?" {
		t.Error(loud, err)
	}
	if err := h.Filter("goShout", &loud, 5); err == nil {
		t.Error("it shouted a number")
	}
}

func TestWidget_GreetsTheEntity(t *testing.T) {
	run := start(t, settings{}).QueryWidget("hello", sdk.WidgetQuery{Entity: plugintest.Component("shop")})
	if run.Err != nil || run.Frames[0].Column("greeting").Values[0] != "Hello, shop!" {
		t.Errorf("%+v", run)
	}
}

func TestSettings_OfABlankGreetingAreRefusedAndTheFormerStay(t *testing.T) {
	h := start(t, settings{Greeting: "Hi", Token: "s3cret-token"})
	if err := h.Configure(settings{Greeting: " "}); err == nil {
		t.Error("accepted")
	}
	if got := h.Get("/greeting/ann").Text(); !strings.Contains(got, "Hi, ann!") {
		t.Error(got)
	}
}

func TestSettings_HaveTheSchemaThatTheManifestNames(t *testing.T) {
	start(t, settings{}).WantSettingsSchema("settings.schema.json")
}
