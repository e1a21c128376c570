package widget

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/principal"
)

// Submitter is a [Widget] of the view [Form] that takes what is filled in.
//
// Laws: Submit is called from many goroutines and honours ctx. The caller has checked what Query's caller has, and that
// args fit the schema; the widget decides what the sender may do, in the sender's name and no other. It is called once for
// each time that a person sends the form: a repetition has the same key. An error means that nothing was done, unless it is
// a ServiceUnavailableError, after which nobody knows.
type Submitter interface {
	Widget
	Submit(ctx context.Context, s Submission) (Result, error)
}

// Submission is what somebody has filled in. Entity is the caller's and must not be changed; nil = none.
type Submission struct {
	Entity   entity.Entity
	Args     json.RawMessage // a JSON object that fits ArgsSchema
	Locale   string          // BCP 47
	TimeZone string          // IANA
	// Key is the same for each repetition; it is the sender's own.
	Key string
	// By is who sends it, a user or a service.
	By *principal.Principal
}

// Result is what became of a submission. It is for the sender alone, and nobody keeps it.
type Result struct {
	Message string
	Frames  []*frame.Frame
	// Secret: the frames hold something that is shown once.
	Secret bool
	Next   *Link
	// FieldErrors are by field, "" = the whole. Nothing was done then.
	FieldErrors map[string]string
}

// Link leads on. URL is http, https or a path of the portal.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

const (
	// maxKey bounds an idempotency key.
	maxKey = 255
	// featureForms is what the token of an embedding page must have to send any.
	featureForms = "forms"
)

// Submit sends a form in the name of p. An error of what was filled in is an InputError with [FieldErrors]. What was
// remembered of the plugin's widgets for this entity, and for none, is forgotten afterwards: it may be different now.
func (e *Engine) Submit(ctx context.Context, p *principal.Principal, r Request, key string) (*Result, error) {
	w, s, err := e.submission(ctx, p, r, key)
	if err != nil {
		return nil, err
	}
	result, err := send(ctx, w, s)
	e.changed(askedOf(w.Description().ID, Query{Entity: s.Entity}))
	if err == nil && len(result.FieldErrors) > 0 {
		err = fieldsError(result.FieldErrors)
	}
	if err != nil {
		return nil, err
	}
	return &result, nil
}

// submission is what to send to which widget, after everything that can be known without it.
func (e *Engine) submission(ctx context.Context, p *principal.Principal, r Request, key string) (w Submitter, s Submission, err error) {
	if err := granted(p, &r); err != nil {
		return nil, s, err
	}
	if w, err = e.submitter(r.ID); err != nil {
		return nil, s, err
	}
	if err := maySubmit(p); err != nil {
		return nil, s, err
	}
	s = Submission{Args: r.Args, Locale: r.Locale, TimeZone: r.TimeZone, By: p}
	if s.Key, err = keyOrNew(key); err != nil {
		return nil, s, err
	}
	d := w.Description()
	found, err := e.entity(ctx, p, d, r.Entity)
	if err != nil {
		return nil, s, err
	}
	s.Entity = found.Entity
	if err := e.permitted(ctx, p, d); err != nil {
		return nil, s, err
	}
	if len(s.Args) == 0 {
		s.Args = json.RawMessage("{}")
	}
	return w, s, e.complete(d, r.Args)
}

func (e *Engine) submitter(id ID) (Submitter, error) {
	w, err := e.Registry.Find(id)
	if err != nil {
		return nil, err
	}
	s, ok := w.(Submitter)
	if !ok || !w.Description().Submits {
		return nil, apierror.Inputf("The widget %s takes no input", string(id))
	}
	return s, nil
}

// complete holds what was filled in to the form's schema.
func (e *Engine) complete(d Description, args json.RawMessage) error {
	wrong, err := e.args.fields(d, args)
	if err != nil {
		return err
	}
	return fieldsError(wrong)
}

// send makes an error of a panic, as the host's own widgets may.
func send(ctx context.Context, w Submitter, s Submission) (r Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("widget %s panicked: %v", w.Description().ID, p)
		}
	}()
	return w.Submit(ctx, s)
}

// maySubmit refuses who only looks. A page that acts as a service, rather than for a viewer, must not do what that service
// may: whoever looks at the page would.
func maySubmit(p *principal.Principal) error {
	switch {
	case p.Kind == principal.None:
		return apierror.New(apierror.Authentication, "Missing credentials")
	case p.Limited:
		return apierror.NotAllowedf("A form cannot be sent with a token that is for reading")
	case p.Embed == nil:
		return nil
	case !p.Embed.Has(featureForms):
		return apierror.NotAllowedf("The embed token does not allow forms")
	case p.Kind != principal.User:
		return apierror.NotAllowedf("The embed token names no viewer, in whose name a form could be sent")
	}
	return nil
}

func keyOrNew(key string) (string, error) {
	if key == "" {
		return rand.Text(), nil
	}
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", apierror.Inputf("key: must have at most %d characters of printable ASCII", maxKey)
	}
	return key, nil
}

// fieldsError names every field and rule for people, and has them by field for programs.
func fieldsError(wrong map[string]string) error {
	if len(wrong) == 0 {
		return nil
	}
	var said []string
	for _, field := range slices.Sorted(maps.Keys(wrong)) {
		if field == "" {
			said = append(said, wrong[field])
		} else {
			said = append(said, field+": "+wrong[field])
		}
	}
	err := apierror.Inputf("args: %s", strings.Join(said, "; "))
	err.Fields = map[string]any{fieldErrorsField: wrong}
	return err
}

// fieldErrorsField is the member of a serialised error that has them.
const fieldErrorsField = "fieldErrors"
