package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/clocktest"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// web is a URLReader over texts by URL; ETags are hashes of the texts.
type web struct {
	mu      sync.Mutex
	pages   map[string]string
	reads   map[string]int // bodies handed out, by URL
	blocked chan struct{}  // when not nil, reading waits until it is closed
}

func newWeb(pages map[string]string) *web { return &web{pages: pages, reads: map[string]int{}} }

func (w *web) set(url, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pages == nil {
		w.pages = map[string]string{}
	}
	if text == "" {
		delete(w.pages, url)
		return
	}
	w.pages[url] = text
}

func (w *web) ReadURL(ctx context.Context, url, etag string) (URLDocument, error) {
	if w.blocked != nil {
		select {
		case <-w.blocked:
		case <-ctx.Done():
			return URLDocument{}, ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text, ok := w.pages[url]
	if !ok {
		return URLDocument{}, apierror.NotFoundf("could not read %s, 404 Not Found", url)
	}
	tag := hashOf([]byte(text))
	if etag == tag {
		return URLDocument{}, apierror.New(apierror.NotModified, "")
	}
	w.reads[url]++
	return URLDocument{Data: []byte(text), ETag: tag}, nil
}

func (w *web) Search(ctx context.Context, url, etag string) (URLFiles, error) {
	doc, err := w.ReadURL(ctx, url, etag)
	if apierror.Has(err, apierror.NotFound) {
		return URLFiles{}, nil
	}
	if err != nil {
		return URLFiles{}, err
	}
	return URLFiles{Files: []URLFile{{URL: url, Content: func(context.Context) ([]byte, error) { return doc.Data, nil }}}, ETag: doc.ETag}, nil
}

// plainURLs are integrations that know no host.
type plainURLs struct{}

func (plainURLs) ResolveURL(ref, base string) (string, error) {
	b, err := url.Parse(base)
	if err != nil || !b.IsAbs() {
		return "", errors.New("Invalid URL")
	}
	if strings.HasPrefix(ref, "/") { // the root of the repository, as the reference has it
		parts := strings.SplitN(strings.Trim(b.Path, "/"), "/", 3)
		b.Path = "/" + strings.Join(parts[:min(2, len(parts))], "/") + ref
		return b.String(), nil
	}
	r, err := b.Parse(ref)
	if err != nil {
		return "", err
	}
	return r.String(), nil
}
func (plainURLs) EditURL(string) string   { return "" }
func (plainURLs) SourceURL(string) string { return "" }
func (plainURLs) Repository(u string) string {
	parsed, err := url.Parse(u)
	if err != nil || parsed.Host != "git.test" {
		return ""
	}
	parts := strings.SplitN(strings.Trim(parsed.Path, "/"), "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

// catalogTest is an engine under the test's control: nothing happens but in settle and by direct calls.
type catalogTest struct {
	*Engine
	t     testing.TB
	dir   string
	web   *web
	clock *clocktest.Clock
	deps  Deps
}

// newCatalog makes a catalog in a folder with the given files. The configuration is YAML below "catalog:", in which
// $DIR is the folder.
func newCatalog(t testing.TB, db *store.DB, yaml string, files map[string]string, change ...func(*Deps)) *catalogTest {
	t.Helper()
	c := &catalogTest{t: t, dir: t.TempDir(), web: newWeb(map[string]string{}), clock: clocktest.At(time.Now())}
	for name, text := range files {
		c.write(name, text)
	}
	c.deps = Deps{
		DB: db, Config: configOf(yaml, c.dir), URLs: c.web, Integrations: plainURLs{}, Dir: c.dir, Now: c.clock.Now,
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&c.deps)
	}
	c.open()
	return c
}

func configOf(yaml, dir string) *config.Config {
	return config.FromYAML("catalog:\n  processingInterval: { seconds: 60 }\n" + strings.ReplaceAll(yaml, "$DIR", dir))
}

// open makes a new engine on the same database, as a restart does.
func (c *catalogTest) open() {
	c.t.Helper()
	e, err := New(c.t.Context(), c.deps)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.deps.Config.Err(); err != nil {
		c.t.Fatal(err)
	}
	c.Engine = e
	if err := e.start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// write replaces a file. Its time is well in the past and different each time, so that no test depends on the clock of
// the file system.
func (c *catalogTest) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *catalogTest) remove(name string) {
	c.t.Helper()
	if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
		c.t.Fatal(err)
	}
}

// settle processes until nothing is due.
func (c *catalogTest) settle() {
	c.t.Helper()
	newLoop(c.Engine).run(c.t.Context(), true)
}

// nextRound lets an interval pass and settles.
func (c *catalogTest) nextRound() {
	c.t.Helper()
	c.clock.Advance(2 * time.Minute)
	c.settle()
}

// get is the visible entity with that ref, nil when there is none.
func (c *catalogTest) get(ref string) entity.Entity {
	c.t.Helper()
	doc := c.Index().Snapshot().ByRef(entity.Canonical(ref))
	if doc == nil {
		return nil
	}
	e, err := decodeEntity(string(doc.JSON))
	if err != nil {
		c.t.Fatal(err)
	}
	return e
}

// must is get for entities that have to be there.
func (c *catalogTest) must(ref string) entity.Entity {
	c.t.Helper()
	e := c.get(ref)
	if e == nil {
		c.t.Fatalf("%s is not in the catalog, which holds %v; problems: %v", ref, c.refs(), c.problemTexts())
	}
	return e
}

func (c *catalogTest) gone(ref string) {
	c.t.Helper()
	if e := c.get(ref); e != nil {
		c.t.Fatalf("%s is in the catalog: %v", ref, e)
	}
}

func (c *catalogTest) refs() []string {
	var refs []string
	for doc := range c.Index().Snapshot().All() {
		refs = append(refs, string(doc.Ref))
	}
	return refs
}

func (c *catalogTest) problemTexts() []string {
	c.t.Helper()
	problems, err := c.Problems(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = fmt.Sprintf("%s:%d:%d %s %s %s: %s", strings.ReplaceAll(p.Location, c.dir, ""), p.Line, p.Column, p.EntityRef, p.Field, p.Name, p.Message)
	}
	return texts
}

// hasProblem fails unless some problem line holds all parts.
func (c *catalogTest) hasProblem(parts ...string) {
	c.t.Helper()
	texts := c.problemTexts()
	for _, text := range texts {
		if all(text, parts) {
			return
		}
	}
	c.t.Fatalf("no problem with %q among:\n%s", parts, strings.Join(texts, "\n"))
}

func all(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// component is a valid Component as YAML.
func component(name string, more ...string) string {
	return "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name +
		"\nspec:\n  type: service\n  lifecycle: production\n  owner: team\n" + strings.Join(more, "")
}

func locationYAML(name string, targets ...string) string {
	return "---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: { name: " + name + " }\nspec: { targets: ['" +
		strings.Join(targets, "', '") + "'] }\n"
}

// eachDatabase runs a story on every database.
func eachDatabase(t *testing.T, story func(t *testing.T, db *store.DB)) {
	t.Helper()
	storetest.Each(t, story)
}

// panicky is a processor that cannot stand one name.
type panicky struct{}

func (panicky) Name() string { return "panicky" }

func (panicky) PostProcess(_ context.Context, _ *Processing, e entity.Entity) (entity.Entity, error) {
	if e.Name() == "x" {
		panic("boom")
	}
	return e, nil
}

func makePipe(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

func execAll(statements string) func(context.Context, bun.Tx) error {
	return func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, statements)
		return err
	}
}

// eventually waits for something that another goroutine does.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within a minute")
		}
	}
}
