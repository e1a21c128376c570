package sdk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// WidgetResult is what became of a form that was sent.
type WidgetResult struct {
	// Message tells the sender what was done, and what happens next. It is required, unless FieldErrors says why nothing was.
	Message string
	// Frames are shown with it.
	Frames []*frame.Frame
	// Secret: the frames hold something that is shown once, such as a new key. The host neither keeps nor logs them.
	Secret bool
	// Next is where to go on; nil = nowhere.
	Next *WidgetLink
	// FieldErrors are what is wrong with what was filled in, by the name of the field, "" = the form as a whole. The schema
	// was checked before; this is for what only the plugin knows. Nothing must have been done then.
	FieldErrors map[string]string
}

// WidgetLink leads on from a result.
type WidgetLink struct {
	Title string
	// URL is http or https, or a path of the portal such as "/catalog/default/api/orders".
	URL string
}

// Choice is one value that a field of a form can have. Label is for people, "" = the value.
type Choice struct{ Value, Label string }

// Choices is a frame that gives a field of a form its choices, where they are not the same for everybody: those that are
// stand in the tag enum. A viewer may send others all the same.
func Choices(field string, all ...Choice) *frame.Frame {
	value, label := frame.Strings("value"), frame.Strings("label")
	for _, c := range all {
		value.Add(c.Value)
		label.Add(cmp.Or(c.Label, c.Value))
	}
	return frame.New("choices/"+field, value, label)
}

// FilledArgs decodes what is filled into a form already, for its Data: members that are required may be missing. T is the
// type of [Widget.Args].
func FilledArgs[T any](q WidgetQuery) (T, error) {
	var v T
	if err := schemaOf("FilledArgs", reflect.TypeFor[T]()).fill(q.Args, &v); err != nil {
		return v, fmt.Errorf("arguments: %s: %w", decodeProblem(err).GetSummary(), ErrInput)
	}
	return v, nil
}

// checkForm holds a widget that takes input to what a form can be.
func checkForm(w Widget, args *schema) {
	if w.View != ViewForm {
		misusef("Widget %q: Submit is for the view %q, not %q", w.ID, ViewForm, w.View)
	}
	if args == nil {
		return // a button alone
	}
	for name, field := range args.root.Properties {
		if !fillable(field) {
			misusef("Widget %q: field %s of Args must be a text, number, bool or a list of texts, so that it can be filled in", w.ID, name)
		}
	}
}

func fillable(s *jsonschema.Schema) bool {
	if is(s, "array") {
		return s.Items != nil && is(s.Items, "string")
	}
	return is(s, "string") || is(s, "integer") || is(s, "number") || is(s, "boolean")
}

// SubmitWidget implements [pluginv1.WidgetsServiceServer].
func (s widgetServer) SubmitWidget(ctx context.Context, req *pluginv1.SubmitWidgetRequest) (*pluginv1.SubmitWidgetResponse, error) {
	w, err := s.p.widgets.get("widget", req.GetWidget())
	if err != nil {
		return nil, err
	}
	if w.Submit == nil {
		return nil, status.Errorf(codes.Unimplemented, "widget %s takes no input", w.ID)
	}
	q := WidgetQuery{Args: req.GetArgsJson(), Locale: req.GetLocale(), TimeZone: req.GetTimeZone(), IdempotencyKey: req.GetIdempotencyKey()}
	if q.Entity, err = optionalEntity(req.GetEntityJson()); err != nil {
		return nil, fmt.Errorf("widget %s: %w", w.ID, err)
	}
	caller := submitter(req)
	if caller.IsUser() {
		q.User = caller.Subject
	}
	if wrong := w.wrongFields(q.Args); wrong != nil {
		return &pluginv1.SubmitWidgetResponse{FieldErrors: wrong}, nil
	}
	result, err := w.Submit(context.WithValue(ctx, callerKey{}, caller), q)
	if err != nil {
		return nil, err // its text is for the sender, who knows which form it is
	}
	out, err := result.message()
	if err != nil {
		return nil, fmt.Errorf("widget %s: %w", w.ID, err)
	}
	return out, nil
}

func submitter(req *pluginv1.SubmitWidgetRequest) Caller {
	p := req.GetPrincipal()
	return Caller{Type: cmp.Or(p.GetType(), "none"), Subject: p.GetSubject(), Actor: p.GetActor(), OwnershipRefs: p.GetOwnershipRefs(), userToken: req.GetUserToken()}
}

// wrongFields checks the arguments once more: the host has, and other callers may not.
func (w widget) wrongFields(args []byte) []*pluginv1.WidgetFieldError {
	if w.args == nil {
		return nil
	}
	var wrong []*pluginv1.WidgetFieldError
	for _, d := range w.args.decode(args, reflect.New(reflect.TypeOf(w.Args)).Interface()) {
		field, _, _ := strings.Cut(strings.TrimPrefix(d.GetPath(), "/"), "/")
		field = strings.NewReplacer("~1", "/", "~0", "~").Replace(field)
		said := strings.TrimPrefix(d.GetSummary(), strings.TrimPrefix(d.GetPath(), "/")+" ")
		wrong = append(wrong, &pluginv1.WidgetFieldError{Field: field, Message: said})
	}
	return wrong
}

// message is the result on the wire.
func (r WidgetResult) message() (*pluginv1.SubmitWidgetResponse, error) {
	out := &pluginv1.SubmitWidgetResponse{}
	for _, field := range sortedKeys(r.FieldErrors) {
		out.FieldErrors = append(out.FieldErrors, &pluginv1.WidgetFieldError{Field: field, Message: r.FieldErrors[field]})
	}
	if out.FieldErrors != nil {
		return out, nil
	}
	if r.Message == "" {
		return nil, errors.New("the result has no message for the sender")
	}
	out.Message, out.Secret = r.Message, r.Secret
	if r.Next != nil {
		if err := r.Next.check(); err != nil {
			return nil, err
		}
		out.Next = &pluginv1.WidgetLink{Title: r.Next.Title, Url: r.Next.URL}
	}
	size := 0
	for _, f := range r.Frames {
		text, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		if size += len(text); size > maxMessage {
			return nil, fmt.Errorf("the frames of the result take more than %d bytes; lead to a widget that shows the rest", maxMessage)
		}
		out.FramesJson = append(out.FramesJson, text)
	}
	return out, nil
}

func (l WidgetLink) check() error {
	u, err := url.Parse(l.URL)
	local := err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(l.URL, "/")
	if !local && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") || l.Title == "" {
		return fmt.Errorf("the link %q of the result needs a title, and an address that is http, https or a path of the portal", l.Title)
	}
	return nil
}
