package estimate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/callboard/callboard/plugins/cost/estimate/tfplan"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Register adds the routes, the widget and the scaffolder action to a plugin. The estimator must have a host.
func (e *Estimator) Register(p *sdk.Plugin) {
	p.Handle("POST /v1/estimates", e.Handler())
	p.HandleFunc("GET /v1/entities/{kind}/{namespace}/{name}/estimates", e.last)
	p.Widget(e.widget())
	sdk.Action(p, "cost:estimate", e.Run, actionOptions)
}

// Handler answers POST /v1/estimates: the estimate of the plan in the body. With ?entity=component:default/shop it is kept as
// one of the entity's, whose last maxKept there are, for callers who may read the entity. ?name= names it, and each
// ?region=aws=eu-west-1 helps resources that do not tell their region.
func (e *Estimator) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, err := e.post(w, r)
		if err != nil {
			sdk.WriteError(w, r, err)
			return
		}
		sdk.WriteJSON(w, http.StatusOK, d)
	})
}

func (e *Estimator) post(w http.ResponseWriter, r *http.Request) (*Document, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, apierror.Inputf("Content-Type must be application/json, not %q", excerpt.Of(r.Header.Get("Content-Type"), 100))
	}
	query := r.URL.Query()
	q := Request{Name: excerpt.Of(query.Get("name"), maxTitle)}
	var err error
	if q.Regions, err = regionsOf(query["region"]); err != nil {
		return nil, err
	}
	ref := ""
	if query.Has("entity") { // before the body is read: nobody needs to send what is refused
		if ref, err = e.readable(r.Context(), query.Get("entity")); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, tfplan.MaxBytes))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, apierror.Inputf("the body is longer than %d MiB", tfplan.MaxBytes>>20)
	}
	if err != nil {
		return nil, apierror.Inputf("the body cannot be read: %v", err)
	}
	d, err := e.Read(r.Context(), data, q)
	if err != nil || ref == "" {
		return d, err
	}
	return d, e.record(r.Context(), ref, d, q.Name)
}

// readable answers the ref of an entity that the caller may read.
func (e *Estimator) readable(ctx context.Context, ref string) (string, error) {
	found, err := e.host.Catalog.As(sdk.Principal(ctx)).Entity(ctx, ref)
	if errors.Is(err, sdk.ErrNotFound) || errors.Is(err, sdk.ErrInput) {
		return "", apierror.NotFoundf("Entity %s not found", excerpt.Of(ref, 200))
	}
	if err != nil {
		return "", err
	}
	return found.Ref().String(), nil
}

func (e *Estimator) record(ctx context.Context, ref string, d *Document, name string) error {
	by := sdk.Principal(ctx).Subject
	if name == "" && len(d.Projects) > 0 {
		name = d.Projects[0].Name
	}
	err := e.keep(ctx, ref, d.kept(by, name))
	event := sdk.AuditEvent{Event: "estimate.keep", Failed: err != nil, Actor: by, Meta: map[string]any{"entity": ref, "name": excerpt.Of(name, maxTitle)}}
	if audit := e.host.Audit.Write(context.WithoutCancel(ctx), event); audit != nil {
		slog.ErrorContext(ctx, "an audit event could not be recorded", "event", event.Event, "actor", by, "error", audit)
	}
	if err != nil {
		return fmt.Errorf("keep the estimate of %s: %w", ref, err)
	}
	return nil
}

// last answers {"items": [Kept…]}.
func (e *Estimator) last(w http.ResponseWriter, r *http.Request) {
	ref, err := e.readable(r.Context(), r.PathValue("kind")+":"+r.PathValue("namespace")+"/"+r.PathValue("name"))
	var list []Kept
	if err == nil {
		list, err = e.Last(r.Context(), ref)
	}
	if err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	sdk.WriteJSON(w, http.StatusOK, map[string]any{"items": list})
}
