package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	ingested = 10_000
	// ownGreetings are entities that the plugin provides and changes itself.
	ownGreetings = 2
)

// ingest brings a catalog into a host that runs already, with and without a plugin that changes half of its entities.
func ingest(ctx context.Context, o options, s *workshop, w io.Writer) error {
	if err := generate(ctx, ingested, s.path("c")); err != nil {
		return err
	}
	text, err := os.ReadFile(s.path("c", "single.yaml"))
	if err != nil {
		return err
	}
	text, greeted := askForGreetings(text)
	var with, without []ingestion
	for i := range o.rounds {
		plain, err := s.ingest(ctx, o, fmt.Sprintf("plain-%d", i), text, 0)
		if err != nil {
			return err
		}
		processed, err := s.ingest(ctx, o, fmt.Sprintf("processed-%d", i), text, greeted)
		if err != nil {
			return err
		}
		without, with = append(without, plain), append(with, processed)
	}
	fmt.Fprintf(w, "%d entities into a running host, of which the plugin changes %d\n%-34s %12s %14s %14s %12s\n", ingested, greeted, "", "all visible", "entities/s", "per CPU s", "all greeted")
	rates := func(all []ingestion) (visible, done time.Duration, perSecond, perCPU float64) {
		var v, d []time.Duration
		var s, c []float64
		for _, i := range all {
			v, d = append(v, i.visible), append(d, i.done)
			s, c = append(s, ingested/i.done.Seconds()), append(c, ingested/i.cpu.Seconds())
		}
		return median(v), median(d), median(s), median(c)
	}
	v, _, second, cpu := rates(without)
	fmt.Fprintf(w, "%-34s %12s %14.0f %14.0f %12s\n", "without plugins", millis(v), second, cpu, "–")
	v, d, secondWith, cpuWith := rates(with)
	fmt.Fprintf(w, "%-34s %12s %14.0f %14.0f %12s   ÷ without: %.2f rate, %.2f per CPU s (plugin's CPU included)\n\n", "with "+helloGo+"'s processor", millis(v), secondWith, cpuWith, millis(d),
		secondWith/second, cpuWith/cpu)
	return nil
}

// askForGreetings adds the annotation that the plugin acts on to every component, and counts them.
func askForGreetings(text []byte) (out []byte, n int) {
	docs := bytes.Split(text, []byte("\n---\n"))
	for i, doc := range docs {
		before, after, ok := bytes.Cut(doc, []byte("\n  annotations:\n"))
		if !ok || !bytes.Contains(doc, []byte("kind: Component\n")) {
			continue
		}
		docs[i] = fmt.Appendf(nil, "%s\n  annotations:\n    hello.callboard.dev/greet: bench\n%s", before, after)
		n++
	}
	return bytes.Join(docs, []byte("\n---\n")), n
}

// ingestion is how one went: until everything could be read, and until it was as the plugin leaves it.
type ingestion struct{ visible, done, cpu time.Duration }

// ingest starts a host with a small file, has the plugin come up, puts the whole catalog in its place and asks for it.
// greeted = 0 is a host without plugins.
func (s *workshop) ingest(ctx context.Context, o options, name string, text []byte, greeted int) (i ingestion, err error) {
	file := s.path("c", name+".yaml")
	if err := os.WriteFile(file, []byte("apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: first}\nspec: {owner: bench}\n"), 0o600); err != nil {
		return i, err
	}
	sources := map[string]string{}
	if greeted > 0 {
		sources[helloGo] = s.path(helloGo)
	}
	h, err := s.host(ctx, o, site{name: name, file: file}, "auto", sources)
	if err != nil {
		return i, err
	}
	defer h.stop()
	location, err := h.settled(ctx, greeted > 0)
	if err != nil {
		return i, err
	}
	cpu := h.cpu
	if greeted > 0 {
		v, err := h.await(ctx, helloGo)
		if err != nil {
			return i, err
		}
		cpu = h.with(v.PID).cpu
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return i, err
	}
	before, began := cpu(), time.Now()
	if err := os.Rename(file+".new", file); err != nil {
		return i, err
	}
	if err := h.refresh(ctx, location); err != nil {
		return i, err
	}
	if i.visible, err = h.until(ctx, began, "/api/catalog/entities/by-query?limit=0", ingested); err != nil {
		return i, err
	}
	i.done = i.visible
	if greeted > 0 {
		i.done, err = h.until(ctx, began, "/api/catalog/entities/by-query?limit=0&filter=metadata.annotations.hello.callboard.dev/greeted", greeted+ownGreetings)
	}
	i.cpu = cpu() - before
	return i, err
}

// settled waits until the small catalog is there, greeted if there is a plugin, and answers the location to refresh.
func (h *pluginHost) settled(ctx context.Context, plugin bool) (ref string, err error) {
	if _, err := h.until(ctx, time.Now(), "/api/catalog/entities/by-query?limit=0&filter=kind=system", 1); err != nil {
		return "", err
	}
	if plugin { // whose own entities show that its processor works
		if _, err := h.until(ctx, time.Now(), "/api/catalog/entities/by-query?limit=0&filter=metadata.annotations.hello.callboard.dev/greeted", ownGreetings); err != nil {
			return "", err
		}
	}
	var page struct{ Items []listed }
	if err := h.get(ctx, "/api/catalog/entities/by-query?filter=kind=location", &page); err != nil {
		return "", err
	}
	if len(page.Items) != 1 {
		return "", fmt.Errorf("there are %d locations, one was expected", len(page.Items))
	}
	return "location:" + page.Items[0].Metadata.Namespace + "/" + page.Items[0].Metadata.Name, nil
}

// until waits until a query has that many results and answers how long after began that was.
func (h *pluginHost) until(ctx context.Context, began time.Time, query string, n int) (time.Duration, error) {
	total := 0
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		var page struct{ TotalItems int }
		if err := h.get(ctx, query, &page); err != nil {
			return 0, err
		}
		if total = page.TotalItems; total >= n {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("only %d of %d entities are there: %s", total, n, query)
}

func (h *pluginHost) refresh(ctx context.Context, ref string) error {
	body, err := json.Marshal(map[string]string{"entityRef": ref})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+"/api/catalog/refresh", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 400))
		return fmt.Errorf("refresh %s: %s: %s", ref, res.Status, text)
	}
	return nil
}
