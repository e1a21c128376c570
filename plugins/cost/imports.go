package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/callboard/callboard/plugins/cost/focus"
	"github.com/callboard/callboard/plugins/cost/intake"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/excerpt"
)

// importRoutes bring charges in, take them away, and tell of both.
func (c *plugin) importRoutes(p *sdk.Plugin) {
	p.HandleFunc("POST /v1/imports/focus", c.upload)
	p.HandleFunc("GET /v1/imports", answering(c.listImports))
	p.HandleFunc("GET /v1/imports/{id}", answering(c.getImport))
	p.HandleFunc("GET /v1/imports/{id}/events", c.watchImport)
	p.HandleFunc("GET /v1/feeds", answering(c.listFeeds))
	p.HandleFunc("GET /v1/partitions", answering(c.listPartitions))
	p.HandleFunc("DELETE /v1/partitions/{source}/{period}", c.removePartition)
}

// upload takes a bill.
func (c *plugin) upload(w http.ResponseWriter, r *http.Request) {
	if err := c.need(r.Context(), importCharges, "charges are brought in by who holds it"); err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	answer := &statusWriter{ResponseWriter: w}
	c.intake.Upload(answer, r)
	var failure error
	if answer.status != http.StatusCreated {
		failure = fmt.Errorf("answered with %d", answer.status)
	}
	q := r.URL.Query()
	c.audit(r.Context(), "import.upload", failure, map[string]any{
		"source": excerpt.Short(q.Get("source")), "period": excerpt.Short(q.Get("period")), "run": excerpt.Short(q.Get("run")),
	})
}

// statusWriter knows which status was answered.
type statusWriter struct {
	http.ResponseWriter

	status int
}

func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] and [http.MaxBytesReader] reach the connection.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// mayFollow is for who may bring charges in, or see them all.
func (c *plugin) mayFollow(ctx context.Context) error {
	if ok, err := c.may(ctx, importCharges); ok || err != nil {
		return err
	}
	return c.need(ctx, readAll, "imports are for who may bring charges in or see all costs")
}

const usualJobs = 50

func (c *plugin) listImports(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "limit")
	if err != nil {
		return nil, err
	}
	limit, err := p.number("limit", 1, 1000, usualJobs)
	if err != nil {
		return nil, err
	}
	if err := c.mayFollow(r.Context()); err != nil {
		return nil, err
	}
	jobs, err := c.intake.Jobs(r.Context(), limit)
	return map[string]any{"imports": present(jobs)}, err
}

// imported is an import, with rows that it could not take.
type imported struct {
	intake.Job

	// RejectedRows are some of those that Rejects counts; they are known when the import has ended.
	RejectedRows []focus.Reject `json:"rejectedRows"`
}

func (c *plugin) getImport(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "offset", "limit")
	if err != nil {
		return nil, err
	}
	offset, err := p.number("offset", 0, 1000, 0)
	if err != nil {
		return nil, err
	}
	limit, err := p.number("limit", 0, 1000, 100)
	if err != nil {
		return nil, err
	}
	if err := c.mayFollow(r.Context()); err != nil {
		return nil, err
	}
	job, err := c.intake.Job(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	rows, err := c.intake.Rejects(r.Context(), job.ID, offset, limit)
	return imported{job, rows}, err
}

// eventEvery is how often the events of an import come at most.
const eventEvery = 250 * time.Millisecond

// watchImport streams an import as server-sent events: "progress" while it runs, "end" with the last one. Streams end when
// the plugin is about to be replaced; clients connect again.
func (c *plugin) watchImport(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if err := c.mayFollow(ctx); err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	if _, err := c.intake.Job(ctx, r.PathValue("id")); err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	go func() {
		select {
		case <-c.p.Draining():
			cancel()
		case <-ctx.Done():
		}
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	var last time.Time
	for job, err := range c.intake.Watch(ctx, r.PathValue("id")) {
		if err != nil {
			return // the client has gone, or connects again
		}
		running := job.State == intake.Running
		now := c.now()
		if running && now.Sub(last) < eventEvery {
			continue
		}
		last = now
		if send(w, map[bool]string{true: "progress", false: "end"}[running], job) != nil {
			return
		}
	}
}

// send writes one event.
func send(w http.ResponseWriter, event string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// partition is what an import replaces as a whole.
type partition struct {
	Source       string        `json:"source"`
	Period       ledger.Period `json:"period"`
	Run          string        `json:"run"`
	FocusVersion string        `json:"focusVersion,omitempty"`
	Charges      int64         `json:"charges"`
	First        ledger.Day    `json:"firstDate"`
	Last         ledger.Day    `json:"lastDate"`
	Currencies   []string      `json:"currencies"`
	Imported     time.Time     `json:"importedAt"`
}

func (c *plugin) listPartitions(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := parametersOf(r); err != nil {
		return nil, err
	}
	if err := c.mayFollow(r.Context()); err != nil {
		return nil, err
	}
	list, err := c.ledger.Partitions(r.Context())
	out := []partition{}
	for _, p := range list {
		out = append(out, partition{p.Source, p.Period, p.Run, p.FocusVersion, p.Charges, p.First, p.Last, present(p.Currencies), p.Imported.UTC()})
	}
	return map[string]any{"partitions": out}, err
}

// removePartition takes the charges of a source and billing period away, such as those of a name that was a mistake.
func (c *plugin) removePartition(w http.ResponseWriter, r *http.Request) {
	err := c.need(r.Context(), importCharges, "charges are taken away by who may bring them in")
	var period ledger.Period
	if err == nil {
		if period, err = ledger.ParsePeriod(r.PathValue("period")); err != nil {
			err = wrong("period", err)
		}
	}
	if err == nil {
		err = c.ledger.Remove(r.Context(), r.PathValue("source"), period)
		c.audit(r.Context(), "import.remove", err, map[string]any{"source": excerpt.Short(r.PathValue("source")), "period": string(period)})
	}
	if err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// ended counts an import, and has budgets looked at when it has changed something. It is called on the goroutine of the
// import.
func (c *plugin) ended(j intake.Job) {
	c.metrics.imports.Add(1, j.Origin, string(j.State))
	c.metrics.rows.Add(float64(j.Rows), j.Origin)
	c.metrics.rejects.Add(float64(j.Rejects), j.Origin)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if j.Origin != intake.FromUpload { // those are recorded with who sent them
		var failure error
		if j.State == intake.Failed {
			failure = errors.New(j.Error)
		}
		c.audit(ctx, "import."+j.Origin, failure, map[string]any{"source": j.Source, "run": j.Run, "files": len(j.Files)})
	}
	if j.State != intake.Done {
		return
	}
	err := c.host.Scheduler.Trigger(ctx, budgetsTask)
	if err != nil && !errors.Is(err, sdk.ErrConflict) { // they are being looked at
		slog.WarnContext(ctx, "budgets are looked at later", "error", err)
	}
}

// metrics are what operators watch.
type metrics struct{ imports, rows, rejects *sdk.Metric }

func newMetrics(p *sdk.Plugin) metrics {
	return metrics{
		imports: p.Counter("cost_imports_total", "Imports that have ended", "origin", "state"),
		rows:    p.Counter("cost_import_rows_total", "Rows that were read", "origin"),
		rejects: p.Counter("cost_import_rejected_rows_total", "Rows that broke a rule", "origin"),
	}
}

// lastImports is how many imports the health looks back on.
const lastImports = 100

// failedImports are the sources whose last import has failed, with the reason. An upload of a source that has no charges
// concerns who sent it, and was answered.
func (c *plugin) failedImports(ctx context.Context, sources []ledger.SourceState) []error {
	jobs, err := c.intake.Jobs(ctx, lastImports)
	if err != nil {
		return []error{err}
	}
	known := map[string]bool{}
	for _, s := range sources {
		known[s.Source] = true
	}
	seen := map[string]bool{}
	var found []error
	for _, j := range jobs {
		if j.State == intake.Running || seen[j.Source] {
			continue
		}
		seen[j.Source] = true
		if j.State == intake.Failed && (known[j.Source] || j.Origin != intake.FromUpload) {
			found = append(found, fmt.Errorf("the last import of source %s failed: %s", excerpt.Short(j.Source), j.Error))
		}
	}
	return found
}
