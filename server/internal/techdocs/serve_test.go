package techdocs

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/principal"
)

type everyone struct{}

func (everyone) Visible(_ context.Context, _ *principal.Principal, ref entity.Canonical) (entity.Entity, bool, error) {
	return entity.Entity{}, strings.HasSuffix(string(ref), "/planner"), nil
}

func TestPages_AnswerConditionsAndRangesAsTheReferencesFileServer(t *testing.T) {
	dir := t.TempDir()
	site := filepath.Join(dir, "default", "component", "planner")
	if err := os.MkdirAll(filepath.Join(site, "guide"), 0o750); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(site, "page.md")
	if err := os.WriteFile(page, []byte("# raw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	written := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(page, written, written); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := httpxtest.New(t)
	Routes(s.Feature(Feature()), &Sites{root: root, external: true}, everyone{})

	const base = "/api/techdocs/static/docs/default/component/planner/"
	tag := httpxtest.Do(t, s, http.MethodGet, base+"page.md", "").Header.Get("Etag")
	before, after := written.Add(-time.Hour).Format(http.TimeFormat), written.Add(time.Hour).Format(http.TimeFormat)
	const whole, part, unchanged, unmet, outside = 200, 206, 304, 412, 416
	for _, c := range []struct {
		why    string
		status int
		body   string
		header []string
	}{
		{"no condition", whole, "# raw\n", nil},
		{"its tag", unchanged, "", []string{"If-None-Match", tag}},
		{"its strong tag among others", unchanged, "", []string{"If-None-Match", `"x", ` + strings.TrimPrefix(tag, "W/")}},
		{"any tag", unchanged, "", []string{"If-None-Match", "*"}},
		{"another tag", whole, "# raw\n", []string{"If-None-Match", `"x"`}},
		{"its tag, but older", whole, "# raw\n", []string{"If-None-Match", tag, "If-Modified-Since", before}},
		{"not newer", unchanged, "", []string{"If-Modified-Since", after}},
		{"newer", whole, "# raw\n", []string{"If-Modified-Since", before}},
		{"a reload", whole, "# raw\n", []string{"If-None-Match", tag, "Cache-Control", "no-cache"}},
		{"only another version", unmet, "", []string{"If-Match", `"x"`}},
		{"only this version", whole, "# raw\n", []string{"If-Match", tag}},
		{"only an older version", unmet, "", []string{"If-Unmodified-Since", before}},
		{"a range", part, "# ra", []string{"Range", "bytes=0-3"}},
		{"the end", part, "w\n", []string{"Range", "bytes=-2"}},
		{"more than there is", part, "raw\n", []string{"Range", "bytes=2-100"}},
		{"behind the end", outside, "", []string{"Range", "bytes=99-"}},
		{"backwards", outside, "", []string{"Range", "bytes=3-1"}},
		{"no numbers", outside, "", []string{"Range", "bytes="}},
		{"several ranges are the whole", whole, "# raw\n", []string{"Range", "bytes=0-1,3-4"}},
		{"another unit is the whole", whole, "# raw\n", []string{"Range", "lines=0-1"}},
		{"a range of another version", whole, "# raw\n", []string{"Range", "bytes=0-3", "If-Range", `"x"`}},
	} {
		res := httpxtest.Do(t, s, http.MethodGet, base+"page.md", "", c.header...)
		body := httpxtest.Body(t, res)
		if res.StatusCode != c.status || c.status < 400 && body != c.body || res.Header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("%s: %d %q %v", c.why, res.StatusCode, body, res.Header)
		}
		if c.status == unchanged && res.Header.Get("Last-Modified") == "" || c.status == outside && res.Header.Get("Content-Range") != "bytes */6" {
			t.Errorf("%s: %v", c.why, res.Header)
		}
	}
	for target, want := range map[string]string{
		base + "guide?a=b": base + "guide/?a=b",
		"/api/techdocs/static/docs/Default/Component/Plan%2Fner/x": "/api/techdocs/static/docs/default/component/plan%2Fner/x",
	} {
		if got := httpxtest.Do(t, s, http.MethodGet, target, "").Header.Get("Location"); got != want {
			t.Errorf("%s: moved to %q", target, got)
		}
	}
	for _, target := range []string{"/api/techdocs/static/docs/default//planner/x", "/api/techdocs/sync/default//planner"} {
		if res := httpxtest.Do(t, s, http.MethodGet, target, ""); res.StatusCode != http.StatusNotFound || httpxtest.Body(t, res) != "" {
			t.Errorf("%s: %d", target, res.StatusCode)
		}
	}
}
