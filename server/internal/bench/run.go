package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

const connections = 16

// token is the static external token of the measured configuration.
const token = "bench-static-token"

func run(ctx context.Context, o options, w io.Writer) error {
	dir, err := os.MkdirTemp("", "callboard-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Fprintf(w, "%d cores, %s; server on one core, load on the others; %s a figure\n\n", runtime.NumCPU(), runtime.Version(), o.seconds)
	if o.wants("catalog") {
		if err := catalogs(ctx, o, dir, w); err != nil {
			return err
		}
	}
	if err := scaffolds(ctx, o, w); err != nil {
		return err
	}
	if err := widgets(ctx, o, w); err != nil {
		return err
	}
	return plugins(ctx, o, w)
}

// catalogs measures the host without plugins.
func catalogs(ctx context.Context, o options, dir string, w io.Writer) error {
	if err := idle(ctx, o, dir, w); err != nil {
		return err
	}
	for _, n := range o.sizes {
		if err := measure(ctx, o, dir, n, w); err != nil {
			return fmt.Errorf("%d entities: %w", n, err)
		}
	}
	return nil
}

// idle is the host without any catalog.
func idle(ctx context.Context, o options, dir string, w io.Writer) error {
	p, err := host(ctx, o, dir, site{name: "idle"})
	if err != nil {
		return err
	}
	defer p.stop()
	fmt.Fprintf(w, "empty catalog: ready after %s, RSS %s\n\n", p.ready.Round(time.Millisecond), megabytes(p.rss()))
	return nil
}

func measure(ctx context.Context, o options, dir string, n int, w io.Writer) error {
	catalog := filepath.Join(dir, fmt.Sprintf("catalog-%d", n))
	if err := generate(ctx, n, catalog); err != nil {
		return err
	}
	s := site{name: fmt.Sprintf("n%d", n), file: filepath.Join(catalog, "single.yaml")}
	p, err := host(ctx, o, dir, s)
	if err != nil {
		return err
	}
	took, visible, err := p.waitVisible(ctx, n)
	if err != nil {
		p.stop()
		return err
	}
	fmt.Fprintf(w, "%d entities from one file: all visible after %s, %.0f entities/s (%.0f per CPU second); RSS %s\n",
		visible, took.Round(time.Millisecond), float64(visible)/took.Seconds(), float64(visible)/p.cpu().Seconds(), megabytes(p.rss()))
	p.stop()

	p, err = host(ctx, o, dir, s)
	if err != nil {
		return err
	}
	defer p.stop()
	fmt.Fprintf(w, "started again on its database: ready after %s, RSS %s\n\n", p.ready.Round(time.Millisecond), megabytes(p.rss()))
	if err := compare(ctx, o, dir, p, w); err != nil {
		return err
	}
	if err := latencies(ctx, o, p, w); err != nil {
		return err
	}
	fmt.Fprintf(w, "RSS after load %s\n\n", megabytes(p.rss()))
	return nil
}

// compare puts the by-name route beside gin's hello, in alternating rounds.
func compare(ctx context.Context, o options, dir string, p *process, w io.Writer) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	hello, err := start(ctx, "http://"+address, "/hello", filepath.Join(dir, "hello.log"), self, "-hello", address)
	if err != nil {
		return err
	}
	defer hello.stop()
	ref, err := p.someEntity(ctx)
	if err != nil {
		return err
	}
	byName := request{name: "by-name", method: http.MethodGet, path: "/api/catalog/entities/by-name/" + ref}
	var limit, got []float64
	var last result
	for range o.rounds {
		h, err := load(ctx, hello.target(), request{name: "hello", method: http.MethodGet, path: "/hello"}, "", connections, o.seconds)
		if err != nil {
			return err
		}
		if last, err = load(ctx, p.target(), byName, token, connections, o.seconds); err != nil {
			return err
		}
		limit, got = append(limit, h.perCPUSecond()), append(got, last.perCPUSecond())
	}
	fmt.Fprintf(w, "by-name (%d bytes): %.0f requests per CPU second, gin hello %.0f: ratio %.2f; %.0f rps, p99 %s\n\n",
		last.size, median(got), median(limit), median(got)/median(limit), last.perSecond(), last.p99.Round(time.Microsecond))
	return nil
}

func latencies(ctx context.Context, o options, p *process, w io.Writer) error {
	refs, owner, err := p.someRefs(ctx, 50)
	if err != nil {
		return err
	}
	body, _ := json.Marshal(map[string]any{"entityRefs": refs})
	const query = "/api/catalog/entities/by-query?limit=20&orderField=metadata.name,asc&filter="
	requests := []request{
		{"by-refs of 50", http.MethodPost, "/api/catalog/entities/by-refs", string(body)},
		{"by-query, 20 of a kind, total", http.MethodGet, query + "kind=component", ""},
		{"by-query, three filters, total", http.MethodGet, query + "kind=component,spec.type=service,spec.lifecycle=production", ""},
		{"by-query, owned by a group", http.MethodGet, query + "relations.ownedBy=" + owner, ""},
		{"by-query, text", http.MethodGet, query + "kind=component&fullTextFilterTerm=api&fullTextFilterFields=metadata.name,metadata.title", ""},
		{"facets of kind", http.MethodGet, "/api/catalog/entity-facets?facet=kind", ""},
		{"facets, 3 keys, 2 filters", http.MethodGet, "/api/catalog/entity-facets?facet=spec.type&facet=metadata.tags&facet=relations.ownedBy&filter=kind=component,spec.lifecycle=production", ""},
		{"search", http.MethodGet, "/api/search/query?term=service&types[0]=software-catalog", ""},
	}
	fmt.Fprintf(w, "%-34s %9s %12s %9s %9s %9s\n", "16 connections", "rps", "per CPU s", "p50", "p99", "bytes")
	for _, rq := range requests {
		r, err := load(ctx, p.target(), rq, token, connections, o.seconds)
		if err != nil {
			return err
		}
		one, err := load(ctx, p.target(), rq, token, 1, o.seconds/3)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-34s %9.0f %12.0f %9s %9s %9d   alone: p50 %s, p99 %s\n", rq.name, r.perSecond(), r.perCPUSecond(),
			r.p50.Round(time.Microsecond), r.p99.Round(time.Microsecond), r.size, one.p50.Round(time.Microsecond), one.p99.Round(time.Microsecond))
	}
	return nil
}

// site is what differs between measured hosts.
type site struct {
	name string // of its database and its log
	file string // with entities; "" = none
	// callboard are further keys of that section.
	callboard map[string]any
	temp      string // TMPDIR; "" = as here
	// scaffolder is that section; database is backend.database, nil = SQLite in a file of the site's name.
	scaffolder, database map[string]any
}

// host starts the product on the database of that site.
func host(ctx context.Context, o options, dir string, s site) (*process, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(configuration(address, dir, s))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, s.name+".json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, err
	}
	command := []string{o.binary, "serve", "--config", file}
	if s.temp != "" {
		command = append([]string{"env", "TMPDIR=" + s.temp}, command...)
	}
	return start(ctx, "http://"+address, "/.backstage/health/v1/readiness", filepath.Join(dir, s.name+".log"), command...)
}

func configuration(address, dir string, s site) map[string]any {
	callboard := map[string]any{"operations": map[string]any{"listen": false}, "log": map[string]any{"level": "warn"}, "catalog": map[string]any{"maxFileSize": 1 << 30}}
	maps.Copy(callboard, s.callboard)
	database := s.database
	if database == nil {
		database = map[string]any{"client": "better-sqlite3", "connection": filepath.Join(dir, s.name+".sqlite")}
	}
	config := map[string]any{
		"app": map[string]any{"baseUrl": "http://" + address},
		"backend": map[string]any{
			"baseUrl": "http://" + address, "listen": address,
			"database": database,
			"auth": map[string]any{"externalAccess": []any{map[string]any{"type": "static",
				"options": map[string]any{"token": token, "subject": "bench"}}}},
		},
		"permission": map[string]any{"enabled": true},
		"callboard":  callboard,
		"catalog":    map[string]any{},
		"scaffolder": s.scaffolder,
	}
	if s.file != "" {
		config["catalog"] = map[string]any{
			"rules":     []any{map[string]any{"allow": []any{"Component", "API", "System", "Domain", "Resource", "Group", "User", "Location", "Template"}}},
			"locations": []any{map[string]any{"type": "file", "target": s.file}},
		}
	}
	return config
}

// generate writes a deterministic catalog of n entities as one file.
func generate(ctx context.Context, n int, out string) error {
	cmd := exec.CommandContext(ctx, "go", "run", "./examples/catalog/generate", "-n", strconv.Itoa(n), "-out", out)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("generate catalog: %w: %s", err, text)
	}
	return nil
}

// waitVisible returns how long after the start n entities (and the location that brought them) could be read.
func (p *process) waitVisible(ctx context.Context, n int) (time.Duration, int, error) {
	var total int
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		var page struct{ TotalItems int }
		if err := p.get(ctx, "/api/catalog/entities/by-query?limit=0", &page); err != nil {
			return 0, 0, err
		}
		if total = page.TotalItems; total >= n {
			return time.Since(p.started), total, nil
		}
	}
	return 0, total, fmt.Errorf("only %d of %d entities became visible", total, n)
}

func (p *process) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 400))
		return fmt.Errorf("%s: %s: %s", path, res.Status, text)
	}
	return json.NewDecoder(res.Body).Decode(v)
}

type listed struct {
	Kind      string
	Metadata  struct{ Namespace, Name string }
	Relations []struct{ Type, TargetRef string }
}

func (p *process) sample(ctx context.Context, n int) ([]listed, error) {
	var page struct{ Items []listed }
	err := p.get(ctx, "/api/catalog/entities/by-query?filter=kind=component&limit="+strconv.Itoa(n), &page)
	if err == nil && len(page.Items) == 0 {
		err = errors.New("the catalog has no components")
	}
	return page.Items, err
}

func (p *process) someEntity(ctx context.Context) (string, error) {
	sample, err := p.sample(ctx, 1)
	if err != nil {
		return "", err
	}
	e := sample[0]
	return strings.ToLower(e.Kind) + "/" + e.Metadata.Namespace + "/" + e.Metadata.Name, nil
}

func (p *process) someRefs(ctx context.Context, n int) (refs []string, owner string, err error) {
	sample, err := p.sample(ctx, n)
	if err != nil {
		return nil, "", err
	}
	for _, e := range sample {
		refs = append(refs, strings.ToLower(e.Kind+":"+e.Metadata.Namespace+"/"+e.Metadata.Name))
		for _, r := range e.Relations {
			if r.Type == "ownedBy" {
				owner = r.TargetRef
			}
		}
	}
	return refs, owner, nil
}

func median[N cmp.Ordered](values []N) N {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n>>20) }
