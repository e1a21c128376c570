package embed

import (
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/principal"

	"github.com/gin-gonic/gin"
)

// Whatever is asked for, what is granted names nothing that the app may not show.
func FuzzNarrowed_IsNeverWiderThanTheApp(f *testing.F) {
	app := read(config.FromYAML(settingsText)).apps["portal"]
	for _, s := range []string{"cost/summary", "cost/*", "*", "sentry/open-issues", "sentry/*", "**", "c*", "cost/", "component:default/shop", "Component:*", "https://portal.example.com", ""} {
		f.Add(s, s, s, "cost/summary")
	}
	f.Fuzz(func(t *testing.T, widget, ref, origin, shown string) {
		e, err := app.narrowed(Request{Widgets: []string{widget}, Entities: []string{ref}, Origins: []string{origin}})
		if err != nil {
			return
		}
		if e.AllowsWidget(shown) && !principal.MatchAny(app.Widgets, shown) {
			t.Errorf("%q lets a page show %q", widget, shown)
		}
		if e.AllowsEntity(shown) && !principal.MatchAny(app.Entities, strings.ToLower(shown)) {
			t.Errorf("%q lets a page show %q", ref, shown)
		}
		for _, o := range e.Origins {
			if o != app.Origins[0] && o != app.Origins[1] {
				t.Errorf("%q became the origin %q", origin, o)
			}
		}
	})
}

func TestBodies_NameWhatIsNotKnown(t *testing.T) {
	s := httpxtest.New(t)
	s.Feature(httpx.Feature{ID: "demo"}).POST("/x", httpx.AnyPrincipal, func(c *gin.Context) error {
		var r Request
		if err := bind(c, &r); err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, r)
	})
	for body, want := range map[string]string{
		`{"app":"portal","widgets":["a/b"],"expiresIn":60}`: `"app":"portal"`, "": `"app":""`, "{}": `"app":""`,
		`{"widget":["a/b"]}`: `\"widget\" is not known here`, `{"widgets":"a/b"}`: "widgets: must not be of type string",
		`{"expiresIn":"60"}`: "expiresIn: must not be of type string", `[]`: "request/body: must not be of type array", `{"args":[]}`: "args: must not be of type array",
	} {
		if got := httpxtest.Body(t, httpxtest.Do(t, s, "POST", "/api/demo/x", body)); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}
