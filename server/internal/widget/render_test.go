package widget

import (
	"context"
	"errors"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

func (r *rig) answers(frames ...*frame.Frame) {
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { return frames, nil }
}

func (r *rig) fails(err error) {
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { return nil, err }
}

func holds(t *testing.T, name, body string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(body, part) {
			t.Errorf("%s has no %s: %.1500s", name, part, body)
		}
	}
}

func TestRender_IsAFragmentWhateverIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		change func(*rig)
		status int
		parts  []string
	}{
		"none of that name": {"/render/cost/none.html", nil, http.StatusNotFound, []string{`data-status="error"`, `data-widget="cost/none"`, "This is not there"}},
		"a hidden entity":   {"/render/cost/spend.html?entityRef=component:default/vault&lang=de", nil, http.StatusNotFound, []string{"Das gibt es nicht", `lang="de"`}},
		"a wrong parameter": {spendHTML + "&lang=fr&w=5", nil, http.StatusBadRequest, []string{`data-status="error"`, "w: must be a number from 160", "Impossible"}},
		"no such language":  {spendHTML + "&lang=!", nil, http.StatusBadRequest, []string{"lang: must be"}},
		"no permission": {spendHTML + "&lang=es", func(r *rig) { r.widget.d.Permission = "cost.read"; r.denied.Store(true) }, http.StatusForbidden,
			[]string{`data-status="denied"`, `href="/access?widget=cost/spend"`, "Solicitar acceso", "cost.read"}},
		"the source is away": {spendHTML, func(r *rig) { r.fails(apierror.New(apierror.ServiceUnavailable, "the bill is <b>printed</b>")) }, http.StatusServiceUnavailable,
			[]string{`data-status="error"`, `data-cb-action="retry"`, "&lt;b&gt;"}},
		"a mistake of the widget": {spendHTML, func(r *rig) { r.fails(errors.New("dial 10.0.0.7: secret")) }, http.StatusInternalServerError, []string{`data-cb-action="retry"`}},
		"what cannot be drawn": {spendHTML, func(r *rig) { r.answers(frame.New("f", frame.Strings("a", "x"))) }, http.StatusServiceUnavailable,
			[]string{"cannot be drawn as line"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			if c.change != nil {
				c.change(r)
			}
			res := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1"+c.path, "")
			body := httpxtest.Body(t, res)
			if res.StatusCode != c.status || res.Header.Get("Content-Type") != "text/html; charset=utf-8" || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v", res.StatusCode, res.Header)
			}
			holds(t, name, body, append(c.parts, "<figure ", "</figure>")...)
			if strings.Contains(body, "10.0.0.7") || strings.Contains(body, "style=") {
				t.Error(body)
			}
			if status, text := r.get(strings.Replace(c.path, ".html", ".svg", 1)); status != c.status || !strings.HasPrefix(text, "{") {
				t.Errorf("a picture of it: %d %s", status, text)
			}
		})
	}
}

func TestRender_IsNotSentToWhoHasIt(t *testing.T) {
	r := start(t, nil)
	tags := map[string]string{}
	for _, path := range []string{spendHTML, spendHTML + "&theme=dark", spendHTML + "&lang=de", strings.Replace(spendHTML, "html", "svg", 1), spend} {
		res := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1"+path, "")
		tag := res.Header.Get("ETag")
		if tag == "" || tags[tag] != "" || res.Header.Get("Cache-Control") != "private, max-age=60" {
			t.Errorf("%s: tag %q, which is that of %q; %v", path, tag, tags[tag], res.Header)
		}
		tags[tag] = path
		if again := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1"+path, "", "If-None-Match", tag); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d for who has it", path, again.StatusCode)
		}
	}
	r.advance(2 * time.Minute)
	r.answers(frame.New("spend", frame.Strings("who", "other"), frame.Numbers("usd", 3)))
	for tag, path := range tags {
		if res := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1"+path, "", "If-None-Match", tag); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d though there is another answer", path, res.StatusCode)
		}
	}
}

func TestRange_EndsNowAndIsTheSameQuestionForAWhile(t *testing.T) {
	r := start(t, nil)
	var asked Query
	r.widget.answer = func(_ context.Context, q Query) ([]*frame.Frame, error) { asked = q; return nil, nil }
	r.advance(7 * time.Second)
	if status, body := r.get(spend + "&range=7d"); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if asked.To.Sub(asked.From) != 7*24*time.Hour || asked.To.Before(r.clock()) || asked.To.Sub(r.clock()) > 15*time.Minute {
		t.Errorf("%s to %s at %s", asked.From, asked.To, r.clock())
	}
	before := r.widget.asked.Load()
	r.advance(time.Second)
	if r.get(spend + "&range=7d"); r.widget.asked.Load() != before {
		t.Error("a second later it is another question")
	}
	for _, wrong := range []string{"&range=8d", "&range=7d&from=1", "&range=-1h", "&from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z"} {
		if status, body := r.get(spend + wrong); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", wrong, status, body)
		}
	}
	for _, s := range spans {
		from, to, err := spanOf(s.name, r.clock())
		if err != nil || to.Sub(from) != s.length || to.Before(r.clock()) {
			t.Errorf("%s is %s to %s, %v", s.name, from, to, err)
		}
	}
}

func TestRender_IsAPNGWithoutABrowser(t *testing.T) {
	r := start(t, nil)
	const path = "/api/widgets/v1/render/cost/spend.png?entityRef=component:default/shop"
	res := httpxtest.Do(t, r.server, "GET", path+"&w=300&h=100&scale=2&theme=dark", "")
	picture, err := png.Decode(strings.NewReader(httpxtest.Body(t, res)))
	if err != nil || res.Header.Get("Content-Type") != "image/png" || picture.Bounds().Dx() != 600 || picture.Bounds().Dy() != 200 {
		t.Errorf("%v %v", err, res.Header)
	}
	for _, wrong := range []string{"&scale=4", "&scale=0", "&theme=pink", "&w=5000", "&w=4096&scale=3"} {
		if res := httpxtest.Do(t, r.server, "GET", path+wrong, ""); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", wrong, res.StatusCode)
		}
	}
}

func TestRender_SaysWhatIsMissing(t *testing.T) {
	r := start(t, nil)
	r.answers(frame.New("spend", frame.Strings("who", "me"), frame.Numbers("usd", 3)), frame.New(frame.Missing, frame.Strings("source", "AWS", "<GCP>")))
	_, body := r.get(spendHTML)
	holds(t, "the fragment", body, `data-status="partial"`, "Without the data of AWS, &lt;GCP&gt;")
	if strings.Count(body, "<table>") != 1 {
		t.Error("what is missing is a table")
	}
	_, body = r.get(spend)
	holds(t, "the data", body, `"status":"partial"`, `"missing":["AWS","<GCP>"]`)
	if strings.Contains(body, `"name":"missing"`) {
		t.Error(body)
	}
}

func TestRender_HasEveryViewInEveryFormatOfIt(t *testing.T) {
	pictures := []View{Stat, Line, Area, Bar, Stacked, Donut, Sparkline, Heat, Gauge}
	f := func(v View) *frame.Frame {
		if v == Stat || v == Gauge {
			return frame.New("f", frame.Numbers("used", 97).In("%").From(95, frame.Danger))
		}
		return frame.New("f", frame.Strings("a", "**x**", "y"), frame.Numbers("v", 1, 2).From(0, frame.OK))
	}
	for _, view := range []View{Stat, Table, Line, Area, Bar, Stacked, Donut, Sparkline, Heat, Gauge, List, Status, Docs} {
		if !view.Known() {
			t.Errorf("%s is unknown", view)
		}
		d, a := Description{ID: "a/b", Title: "T", View: view}, &Answer{Frames: []*frame.Frame{f(view)}}
		for format := range contentTypes {
			got, err := Render(d, a, format, draw.Options{Theme: draw.Dark, Level: 2, Language: language.German, Width: 160, Height: 60})
			picture := format == SVG || format == PNG
			switch {
			case picture && drawings[view] == nil:
				if apierror.NameOf(err) != apierror.Input {
					t.Errorf("a picture of %s: %v", view, err)
				}
			case err != nil || got == "":
				t.Errorf("%s as %s: %v", view, format, err)
			case format == HTML:
				holds(t, string(view), got, `data-view="`+string(view)+`"`, " cb-dark", "<h2>T</h2>", `lang="de"`, `data-status="ok"`)
			}
		}
	}
	if n := len(drawings); n != len(pictures) {
		t.Errorf("%d pictures", n)
	}
}

func TestAccessAt_NamesWhatIsAskedFor(t *testing.T) {
	if AccessAt("") != nil {
		t.Error("access is asked for nowhere")
	}
	got := AccessAt("https://access.example.com/new?team=a")(Description{ID: "cost/spend"}, "component:default/a&b")
	if got != "https://access.example.com/new?entityRef=component%3Adefault%2Fa%26b&team=a&widget=cost%2Fspend" {
		t.Error(got)
	}
}

func TestDocs_AreMarkdown(t *testing.T) {
	a := &Answer{Frames: []*frame.Frame{frame.New("readme", frame.Strings("text", "# Title\n\nA **word** <script>alert(1)</script>"))}}
	got, err := Render(Description{ID: "a/b", Title: "T", View: Docs}, a, HTML, draw.Options{Level: 2})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, "the document", got, "<h3", "<strong>word</strong>")
	if strings.Contains(got, "<script") {
		t.Error(got)
	}
}

func TestState_OfAWidgetThatIsStillAskedIsASkeleton(t *testing.T) {
	got := RenderState(Description{ID: "a/b", View: Stat}, nil, "", draw.Options{})
	holds(t, "the skeleton", got, `data-status="loading"`, `height="120"`, "a/b")
}
