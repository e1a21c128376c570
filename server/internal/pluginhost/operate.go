package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
	"github.com/callboard/callboard/server/internal/principal"
)

// Restart looks at the plugin anew and starts what it finds beside what runs, then moves to it. It ends backoff, failed
// and stopped. It returns when the new instance serves, or with the reason why none does; what served then goes on.
func (h *Host) Restart(ctx context.Context, id manifest.ID) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	if err := p.admit(ctx, true); err != nil {
		return err
	}
	h.feed.publish(Event{Plugin: id, Kind: EventReload, State: p.supervisor.Snapshot().State})
	return nil
}

// Stop drains and stops the plugin until it is restarted, or its version or settings change.
func (h *Host) Stop(ctx context.Context, id manifest.ID) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	return p.supervisor.Stop(ctx)
}

// Upgrade moves the plugin to another source, which must pass the same checks. It lasts until the configuration is read
// again: what should stay stands there.
func (h *Host) Upgrade(ctx context.Context, id manifest.ID, source string) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	before, known := p.entry(), p.facts.Load()
	next := before
	next.Source = resolve(h.o.Dir, source)
	if f := p.examine(ctx, next); f.refusal != nil { // what runs, and what is shown of it, stays
		return f.refused()
	}
	p.setEntry(next)
	err = h.Restart(ctx, id)
	if err != nil {
		p.setEntry(before)
		p.facts.Store(known)
	}
	return err
}

// Approve writes what the plugin is and asks for into the lock file, and starts it. asked are the privileges that the
// operator has seen; when the plugin asks for others by now, nothing is approved.
func (h *Host) Approve(ctx context.Context, id manifest.ID, asked []string) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	f, err := p.look(ctx)
	if err != nil {
		return err
	}
	v := f.verified
	switch {
	case f.entry.Development:
		return fmt.Errorf("plugin %s is under development: it needs no approval", id)
	case v.Verdict == verify.Approved:
		return h.Restart(ctx, id)
	case v.Verdict != verify.NeedsApproval:
		return fmt.Errorf("plugin %s cannot be approved: it is %s, %s", id, f.refusal.State, f.refusal.Reason)
	case !slices.Equal(asked, v.Asks):
		return fmt.Errorf("plugin %s asks for other privileges than those that were shown; look again", id)
	}
	approval := v.Approval()
	if err := verify.Update(h.settingsNow().LockFile, func(l *verify.Lock) error {
		l.Approve(id, approval)
		return nil
	}); err != nil {
		return fmt.Errorf("approve plugin %s: %w", id, err)
	}
	p.log.Info("plugin approved", "version", approval.Version, "signer", string(approval.Signer))
	p.record(hostsvc.AuditRecord{At: time.Now(), Event: "plugin.approved", Severity: "medium",
		Meta: map[string]any{"version": approval.Version, "signer": string(approval.Signer), "asks": asked}})
	return h.Restart(ctx, id)
}

// Call sends a request to the plugin's routes as somebody: a user by entity ref, or the operator's own service for "".
func (h *Host) Call(w http.ResponseWriter, r *http.Request, id manifest.ID, target, as string) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	p.admitting.Lock()
	carrier := p.mounted.relay
	p.admitting.Unlock()
	if carrier == nil {
		return fmt.Errorf("plugin %s has no routes", id)
	}
	caller := &principal.Principal{Kind: principal.Service, Subject: "external:operator"}
	if as != "" {
		caller = &principal.Principal{Kind: principal.User, Subject: as}
		if h.o.SignIn != nil {
			if caller.Token, err = h.o.SignIn(r.Context(), as); err != nil {
				return fmt.Errorf("call plugin %s as %s: %w", id, as, err)
			}
		}
	}
	return carrier.Serve(w, r, httpx.Call{Target: target, Principal: caller, RequestID: "operator"})
}

// RunProvider refreshes one of the plugin's entity providers now, and returns when that is done.
func (h *Host) RunProvider(ctx context.Context, id manifest.ID, name string) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	provider, err := p.provider(name)
	if err != nil {
		return err
	}
	return provider.Trigger(ctx)
}

// TriggerProvider is [Host.RunProvider] for callers that do not wait.
func (h *Host) TriggerProvider(_ context.Context, id manifest.ID, name string) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	provider, err := p.provider(name)
	if err != nil {
		return err
	}
	h.background(func(ctx context.Context) {
		_ = provider.Trigger(ctx) // it logs what goes wrong
	})
	return nil
}

func (p *plugin) provider(name string) (*caps.EntityProvider, error) {
	p.admitting.Lock()
	defer p.admitting.Unlock()
	for _, provider := range p.mounted.providers {
		if provider.Status().Name == name {
			return provider, nil
		}
	}
	return nil, apierror.NotFoundf("Plugin %s has no entity provider %q", p.id, name)
}

// Inspection is everything that a plugin says about itself, for its author.
type Inspection struct {
	View
	Describe json.RawMessage            `json:"describe,omitempty"`
	Lists    map[string]json.RawMessage `json:"lists,omitempty"`
}

// Inspect asks the running instance for all its lists.
func (h *Host) Inspect(ctx context.Context, id manifest.ID) (Inspection, error) {
	p, err := h.plugin(id)
	if err != nil {
		return Inspection{}, err
	}
	out := Inspection{View: p.view(), Lists: map[string]json.RawMessage{}}
	lease, err := p.supervisor.Acquire(ctx)
	if err != nil {
		return out, nil // the view says that nothing runs, and why
	}
	defer lease.Release()
	i := lease.Instance().(*instance) //nolint:forcetypeassert // start makes no others
	out.Describe = p.protoJSON(i.described)
	for _, list := range lists {
		if !slices.Contains(i.described.GetServices(), list.service) {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, describeTimeout)
		answer := list.answer()
		err := i.process.Conn().Invoke(bounded, "/"+list.service+"/"+list.method, list.question, answer, maxMessage)
		cancel()
		if err != nil {
			text, _ := json.Marshal(map[string]string{"error": p.redactor.redact(rpcerror.Decode(err).Error())})
			out.Lists[list.method] = text
			continue
		}
		out.Lists[list.method] = p.protoJSON(answer)
	}
	return out, nil
}

func (p *plugin) protoJSON(m proto.Message) json.RawMessage {
	text, err := protojson.Marshal(m)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	return json.RawMessage(p.redactor.redact(string(text)))
}

// lists are the questions that have one answer.
var lists = []struct {
	service, method string
	question        proto.Message
	answer          func() proto.Message
}{
	{"callboard.plugin.v1.CatalogProviderService", "ListProviders", &pluginv1.ListProvidersRequest{}, func() proto.Message { return &pluginv1.ListProvidersResponse{} }},
	{"callboard.plugin.v1.CatalogProcessorService", "ListProcessors", &pluginv1.ListProcessorsRequest{}, func() proto.Message { return &pluginv1.ListProcessorsResponse{} }},
	{"callboard.plugin.v1.ScaffolderActionsService", "ListActions", &pluginv1.ListActionsRequest{}, func() proto.Message { return &pluginv1.ListActionsResponse{} }},
	{"callboard.plugin.v1.TemplateFiltersService", "ListFilters", &pluginv1.ListFiltersRequest{}, func() proto.Message { return &pluginv1.ListFiltersResponse{} }},
	{"callboard.plugin.v1.WidgetsService", "ListWidgets", &pluginv1.ListWidgetsRequest{}, func() proto.Message { return &pluginv1.ListWidgetsResponse{} }},
	{"callboard.plugin.v1.SearchCollatorService", "ListCollators", &pluginv1.ListCollatorsRequest{}, func() proto.Message { return &pluginv1.ListCollatorsResponse{} }},
	{"callboard.plugin.v1.TasksService", "ListTasks", &pluginv1.ListTasksRequest{}, func() proto.Message { return &pluginv1.ListTasksResponse{} }},
	{"callboard.plugin.v1.PermissionRulesService", "ListRules", &pluginv1.ListRulesRequest{}, func() proto.Message { return &pluginv1.ListRulesResponse{} }},
}

// Logs passes lines of the plugin on: the last n, and with follow those that come until ctx ends or take fails.
func (h *Host) Logs(ctx context.Context, id manifest.ID, n int, follow bool, take func(LogLine) error) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	lines, seen, more := p.book.tail(n)
	for {
		for _, line := range lines {
			seen = line.Seq
			if err := take(line); err != nil {
				return err
			}
		}
		if !follow {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
		lines, more = p.book.since(seen)
	}
}

var errNoBody = errors.New("the body must be JSON")

func decodeBody(r io.Reader, into any) error {
	in := json.NewDecoder(io.LimitReader(r, 64<<10))
	in.DisallowUnknownFields()
	if err := in.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errNoBody, err)
	}
	return nil
}
