package caps

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/plugintest"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/widget"
)

// filledIn is a form as a service of a plugin serves it, without the SDK.
type filledIn struct {
	pluginv1.UnimplementedWidgetsServiceServer

	view   string
	calls  atomic.Int64
	answer func(context.Context, *pluginv1.SubmitWidgetRequest) (*pluginv1.SubmitWidgetResponse, error)
}

func (f *filledIn) ListWidgets(context.Context, *pluginv1.ListWidgetsRequest) (*pluginv1.ListWidgetsResponse, error) {
	return &pluginv1.ListWidgetsResponse{Widgets: []*pluginv1.Widget{{Id: "test", Title: "T", View: f.view, Submits: true}}}, nil
}

func (f *filledIn) SubmitWidget(ctx context.Context, r *pluginv1.SubmitWidgetRequest) (*pluginv1.SubmitWidgetResponse, error) {
	f.calls.Add(1)
	return f.answer(ctx, r)
}

// theForm is the form that a source has.
func theForm(t *testing.T, s Source, o WidgetOptions, needs manifest.Needs) widget.Submitter {
	t.Helper()
	o.ImporterOptions = often()
	registry := widget.NewRegistry()
	i := Widgets(registry, o)
	m := &manifest.Manifest{ID: "hello", Needs: needs, Provides: manifest.Provides{Widgets: []string{"test"}}}
	if err := i.Announce(t.Context(), m, s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	eventually(t, "the widget is registered", func() bool { return len(registry.List()) == 1 })
	form, ok := registry.List()[0].(widget.Submitter)
	if !ok || !form.Description().Submits {
		t.Fatalf("%T takes no input", registry.List()[0])
	}
	return form
}

// served is a form of a service.
func served(t *testing.T, f *filledIn, change ...func(*ClientOptions)) widget.Submitter {
	t.Helper()
	f.view = "form"
	conn := serve(t, func(s *grpc.Server) { pluginv1.RegisterWidgetsServiceServer(s, f) })
	return theForm(t, one(NewClient(conn, options("1", change...))), WidgetOptions{}, manifest.Needs{})
}

var ann = &principal.Principal{Kind: principal.User, Subject: "user:default/ann", Actor: "plugin:portal"}

func TestForm_OfThePluginSDKIsSentInTheNameOfWhoFilledItIn(t *testing.T) {
	var got sdk.WidgetQuery
	var who sdk.Caller
	plugin := sdk.New("hello")
	plugin.Widget(sdk.Widget{ID: "test", Title: "T", View: sdk.ViewForm, Submit: func(ctx context.Context, q sdk.WidgetQuery) (sdk.WidgetResult, error) {
		got, who = q, sdk.Principal(ctx)
		return sdk.WidgetResult{Message: "Done.", Secret: true, Next: &sdk.WidgetLink{Title: "On", URL: "/next"},
			Frames: []*frame.Frame{frame.New("key", frame.Strings("secret", "s3cret"))}}, nil
	}})
	identity := WidgetOptions{
		Ownership: func(_ context.Context, p *principal.Principal) ([]string, error) {
			return []string{p.Subject, "group:default/shop"}, nil
		},
		UserToken: func(p *principal.Principal) (string, error) { return "limited token of " + p.Subject, nil },
	}
	source := one(NewClient(plugintest.Start(t, plugin).Conn(), options("1")))
	sent := widget.Submission{Args: json.RawMessage(`{}`), Locale: "de-CH", TimeZone: "Europe/Zurich", Key: "once", By: ann,
		Entity: map[string]any{"kind": "Component", "metadata": map[string]any{"name": "shop"}}}
	r, err := theForm(t, source, identity, manifest.Needs{OnBehalfOf: true}).Submit(t.Context(), sent)
	if err != nil || r.Message != "Done." || !r.Secret || *r.Next != (widget.Link{Title: "On", URL: "/next"}) || r.Frames[0].Column("secret").Values[0] != "s3cret" {
		t.Fatalf("%+v, %v", r, err)
	}
	if got.IdempotencyKey != "once" || got.Locale != "de-CH" || got.TimeZone != "Europe/Zurich" || got.User != ann.Subject || got.Entity.Name() != "shop" {
		t.Errorf("%+v", got)
	}
	if who.Type != "user" || who.Actor != "plugin:portal" || !cmp.Equal(who.OwnershipRefs, []string{ann.Subject, "group:default/shop"}) || who.UserToken() != "limited token of user:default/ann" {
		t.Errorf("%+v", who)
	}
	if _, err := theForm(t, source, identity, manifest.Needs{}).Submit(t.Context(), sent); err != nil || who.UserToken() != "" {
		t.Errorf("a plugin without onBehalfOf got the token %q, %v", who.UserToken(), err)
	}
	sent.By = &principal.Principal{Kind: principal.User, Subject: "user:default/ann", Embed: &principal.Embed{}}
	if _, err := theForm(t, source, identity, manifest.Needs{OnBehalfOf: true}).Submit(t.Context(), sent); err != nil || who.UserToken() != "" || len(who.OwnershipRefs) != 2 {
		t.Errorf("the viewer of a page: %+v, %v", who, err)
	}
	sent.By = &principal.Principal{Kind: principal.Service, Subject: "external:ci"}
	if _, err := theForm(t, source, identity, manifest.Needs{OnBehalfOf: true}).Submit(t.Context(), sent); err != nil || !who.IsService() || who.UserToken() != "" || who.OwnershipRefs != nil {
		t.Errorf("a service: %+v, %v", who, err)
	}
}

func TestForm_IsSentOnceAndItsErrorsKeepTheirNames(t *testing.T) {
	f := &filledIn{answer: func(context.Context, *pluginv1.SubmitWidgetRequest) (*pluginv1.SubmitWidgetResponse, error) {
		return nil, rpcerror.Encode(apierror.NotAllowedf("at most 365 days are allowed"))
	}}
	form := served(t, f)
	if _, err := form.Submit(t.Context(), widget.Submission{By: ann}); !apierror.Has(err, apierror.NotAllowed) || !strings.Contains(err.Error(), "365 days") || f.calls.Load() != 1 {
		t.Errorf("%v, after %d calls", err, f.calls.Load())
	}
	f = &filledIn{answer: func(ctx context.Context, _ *pluginv1.SubmitWidgetRequest) (*pluginv1.SubmitWidgetResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	form = served(t, f, func(o *ClientOptions) { o.Limits.Submit = 10 * time.Millisecond })
	if _, err := form.Submit(t.Context(), widget.Submission{By: ann}); !apierror.Has(err, apierror.ServiceUnavailable) || f.calls.Load() != 1 {
		t.Errorf("one that takes too long: %v, after %d calls", err, f.calls.Load())
	}
	if _, err := form.Submit(canceled(t), widget.Submission{By: ann}); !errors.Is(err, context.Canceled) {
		t.Errorf("a sender who has gone: %v", err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestForm_AnswersAreHeldToTheRules(t *testing.T) {
	var answer *pluginv1.SubmitWidgetResponse
	form := served(t, &filledIn{answer: func(context.Context, *pluginv1.SubmitWidgetRequest) (*pluginv1.SubmitWidgetResponse, error) {
		return answer, nil
	}})
	many := &pluginv1.SubmitWidgetResponse{}
	for range 101 {
		many.FieldErrors = append(many.FieldErrors, &pluginv1.WidgetFieldError{Field: "a", Message: "b"})
	}
	link := func(url string) *pluginv1.SubmitWidgetResponse {
		return &pluginv1.SubmitWidgetResponse{Message: "m", Next: &pluginv1.WidgetLink{Title: "t", Url: url}}
	}
	for rule, wrong := range map[string]*pluginv1.SubmitWidgetResponse{
		"without a message": {}, "101 field errors": many, `"javascript:alert(1)"`: link("javascript:alert(1)"), `"//evil.test"`: link("//evil.test"),
		`evil.test"`: link(`/\evil.test`), `""`: link(""), "unexpected end": {Message: "m", FramesJson: [][]byte{[]byte(`{`)}},
	} {
		answer = wrong
		if _, err := form.Submit(t.Context(), widget.Submission{By: ann}); !brokenRule(err, rule) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	answer = &pluginv1.SubmitWidgetResponse{Message: "m", Secret: true, FieldErrors: []*pluginv1.WidgetFieldError{{Field: "plan", Message: strings.Repeat("x", 5000)}}}
	r, err := form.Submit(t.Context(), widget.Submission{By: ann})
	if err != nil || r.Message != "" || r.Secret || len(r.FieldErrors["plan"]) > 1100 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, good := range []string{"/catalog/default/api/orders?tab=keys#top", "https://edge.example.com/orders"} {
		answer = link(good)
		if r, err := form.Submit(t.Context(), widget.Submission{By: ann}); err != nil || r.Next.URL != good {
			t.Errorf("%s: %+v, %v", good, r, err)
		}
	}
}

func brokenRule(err error, part string) bool {
	output, ok := errors.AsType[*OutputError](err)
	return ok && strings.Contains(output.Rule, part)
}
