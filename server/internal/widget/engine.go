package widget

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// Entities answers which entities a viewer may read.
type Entities interface {
	// Read answers the entity as it is now; false when there is none or p may not read it. It is asked for every question,
	// before anything that was remembered is answered, so it should not decode the same entity twice.
	Read(ctx context.Context, p *principal.Principal, ref entity.Canonical) (Entity, bool, error)
}

// Entity is one as it was read, and must not be changed. Version is the host's own word for all that is in it: no other
// entity, and no other state of this one, has the same. What authors may write, such as metadata.etag, is none.
type Entity struct {
	entity.Entity

	Version string
}

// Options is what an engine is made of. All but Now and RequestAccess are required.
type Options struct {
	Registry   *Registry
	Entities   Entities
	Authorizer permission.Authorizer
	// Permission finds a permission that a plugin declares; false = there is none of that name.
	Permission func(plugin, name string) (permission.Permission, bool)
	Logger     *slog.Logger
	Now        func() time.Time
	// RequestAccess is where a viewer asks for what they may not see, a path of the page or an address; "" = nowhere. Nil
	// is never anywhere.
	RequestAccess func(d Description, entityRef string) string
}

// Engine answers the data of widgets to viewers: it decides who may see what, asks a widget once for all who look at the
// same, and goes on showing the last good answer, with its age, while a widget fails.
type Engine struct {
	Options

	answers *otter.Cache[key, *Answer]
	asking  singleflight.Group
	args    arguments
	changes changes
}

// Limits of what is asked and kept.
const (
	// longest bounds one question; what takes longer is an error, and the former answer is shown.
	longest = 30 * time.Second
	// usualRefresh is for widgets that leave it to the host; leastRefresh keeps a page that reloads from asking each time.
	usualRefresh, leastRefresh = time.Minute, 5 * time.Second
	// retry is how long a widget that failed is left alone where there is an answer to show: viewers of a widget that hangs
	// must not wait for it one after the other.
	retry = 10 * time.Second
	// kept is how long an answer may be shown when there is no newer one.
	kept = time.Hour
	// weighed is about how many bytes answers may take together.
	weighed = 64 << 20
)

// NewEngine makes an engine.
func NewEngine(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{Options: o}
	e.answers = otter.Must(&otter.Options[key, *Answer]{
		MaximumWeight: weighed, // what is too old is not shown; it goes when there is no room
		Weigher:       func(_ key, a *Answer) uint32 { return a.weight() },
	})
	return e
}

// Request is one question of a viewer.
type Request struct {
	ID        ID
	Entity    string // ref; "" = the widget is shown on its own
	From, To  time.Time
	MaxPoints int
	Args      json.RawMessage // a JSON object; nil = none
	Locale    string
	TimeZone  string
}

// Answer is what a widget answered. It is shared and must not be changed.
type Answer struct {
	Frames []*frame.Frame
	At     time.Time
	// Stale is why there is no newer answer; nil = it is as new as it should be.
	Stale error

	tried time.Time // when the widget failed last; zero = it answered
	asked asked     // what it answers
}

// key is a digest of what makes two questions the same. Each viewer has answers of their own: a widget may look at who asks.
type key [sha256.Size]byte

// Describe answers a widget's description.
func (e *Engine) Describe(id ID) (Description, error) {
	w, err := e.Registry.Find(id)
	if err != nil {
		return Description{}, err
	}
	return w.Description(), nil
}

// Data answers the data of a widget, if the viewer may see it.
func (e *Engine) Data(ctx context.Context, p *principal.Principal, r Request) (*Answer, error) {
	w, q, err := e.question(ctx, p, r)
	if err != nil {
		return nil, err
	}
	return e.answer(ctx, w, q)
}

// Check is why [Engine.Data] would not ask the widget: the viewer may not see it, or the question is wrong.
func (e *Engine) Check(ctx context.Context, p *principal.Principal, r Request) error {
	_, _, err := e.question(ctx, p, r)
	return err
}

// posed is a question that may be asked. It has the version of the entity beside the query, whose entity is that one.
type posed struct {
	Query

	version string
}

// question is what to ask of which widget, after everything that can be known without asking.
func (e *Engine) question(ctx context.Context, p *principal.Principal, r Request) (w Widget, q posed, err error) {
	if err := granted(p, &r); err != nil {
		return nil, q, err
	}
	if w, err = e.Registry.Find(r.ID); err != nil {
		return nil, q, err
	}
	d := w.Description()
	found, err := e.entity(ctx, p, d, r.Entity)
	if err != nil {
		return nil, q, err
	}
	if err := e.permitted(ctx, p, d); err != nil {
		return nil, q, err
	}
	q.version = found.Version
	q.Query = Query{Entity: found.Entity, From: r.From, To: r.To, MaxPoints: r.MaxPoints, Args: r.Args, Locale: r.Locale, TimeZone: r.TimeZone}
	if p.Kind == principal.User {
		q.User = p.Subject
	}
	return w, q, e.args.check(d, r.Args)
}

// For lists what applies to an entity that the viewer may read.
func (e *Engine) For(ctx context.Context, p *principal.Principal, ref string) ([]Description, error) {
	if err := grantedEntity(p, ref); err != nil {
		return nil, err
	}
	found, err := e.visible(ctx, p, ref)
	if err != nil {
		return nil, err
	}
	return e.offered(ctx, p, e.Registry.For(found.Entity)), nil
}

// All are the widgets that the principal may see.
func (e *Engine) All(ctx context.Context, p *principal.Principal) []Description {
	return e.offered(ctx, p, e.Registry.List())
}

func (e *Engine) offered(ctx context.Context, p *principal.Principal, widgets []Widget) []Description {
	list := []Description{}
	for _, w := range widgets {
		if d := w.Description(); p.Embed.AllowsWidget(string(d.ID)) && e.permitted(ctx, p, d) == nil {
			list = append(list, d)
		}
	}
	return list
}

func (e *Engine) visible(ctx context.Context, p *principal.Principal, ref string) (Entity, error) {
	parsed, err := entity.ParseRef(ref, entity.Defaults{Namespace: "default"})
	if err != nil {
		return Entity{}, apierror.Inputf("entityRef: %v", err)
	}
	found, ok, err := e.Entities.Read(ctx, p, parsed.Canonical())
	if err != nil {
		return Entity{}, fmt.Errorf("entity %s: %w", parsed, err)
	}
	if !ok {
		return Entity{}, apierror.NotFoundf("There is no entity %s, or you may not read it", parsed)
	}
	return found, nil
}

// entity is the one that a widget is asked for, of a kind that it is for; without one where it is for none.
func (e *Engine) entity(ctx context.Context, p *principal.Principal, d Description, ref string) (Entity, error) {
	if ref == "" {
		if d.AppliesTo.String() != "" {
			return Entity{}, apierror.Inputf("entityRef: the widget %s is shown for an entity; name one", string(d.ID))
		}
		return Entity{}, nil
	}
	found, err := e.visible(ctx, p, ref)
	if err != nil {
		return Entity{}, err
	}
	if !d.AppliesTo.To(found.Entity) {
		return Entity{}, apierror.Inputf("entityRef: the widget %s is for %s, and not for %s", string(d.ID), d.AppliesTo.words(), found.Ref())
	}
	return found, nil
}

// permitted holds the viewer to the widget's permission. One that nobody declares is nobody's.
func (e *Engine) permitted(ctx context.Context, p *principal.Principal, d Description) error {
	if d.Permission == "" {
		return nil
	}
	plugin, _ := d.ID.Split()
	perm, ok := e.Permission(plugin, d.Permission)
	if !ok {
		return apierror.NotAllowedf("The widget %s needs the permission %s, which its plugin does not declare", string(d.ID), d.Permission)
	}
	decision, err := e.Authorizer.Authorize(ctx, p, perm)
	if err != nil {
		return fmt.Errorf("widget %s: permission %s: %w", d.ID, d.Permission, err)
	}
	if decision.Result != permission.Allow {
		return apierror.NotAllowedf("The widget %s needs the permission %s", string(d.ID), d.Permission)
	}
	return nil
}

func (e *Engine) answer(ctx context.Context, w Widget, q posed) (*Answer, error) {
	k, err := keyOf(w, q)
	if err != nil {
		return nil, err
	}
	former, known := e.answers.GetIfPresent(k)
	if known && e.showable(former, former.life(w.Description())) {
		return former, nil
	}
	next, err := e.ask(ctx, w, q.Query, k)
	switch {
	case err == nil:
		return next, nil
	case known && outage(err) && e.Now().Sub(former.At) < kept:
		e.Logger.WarnContext(ctx, "a widget fails; its last answer is shown", "widget", string(w.Description().ID), "asOf", former.At, "error", err)
		stale := &Answer{Frames: former.Frames, At: former.At, Stale: err, tried: e.Now(), asked: former.asked}
		e.answers.Set(k, stale)
		return stale, nil
	case refused(err): // what the viewer may not see any more is not what to fall back on
		e.answers.Invalidate(k)
	}
	return nil, err
}

// life is how long an answer is new. One that is empty may be of a source that is still being filled.
func (a *Answer) life(d Description) time.Duration {
	if a.empty() {
		return min(refreshOf(d), retry)
	}
	return refreshOf(d)
}

func (a *Answer) empty() bool {
	return !slices.ContainsFunc(a.Frames, func(f *frame.Frame) bool { return f.Rows() > 0 })
}

// showable reports whether there is no need to ask: the answer is new, or the widget has just failed.
func (e *Engine) showable(a *Answer, refresh time.Duration) bool {
	age := e.Now().Sub(a.At)
	return age < refresh || age < kept && !a.tried.IsZero() && e.Now().Sub(a.tried) < retry
}

// ask has one question on its way for all who ask the same. It is not bound to the first of them, who may go away.
func (e *Engine) ask(ctx context.Context, w Widget, q Query, k key) (*Answer, error) {
	about, began := askedOf(w.Description().ID, q), e.changes.of(w.Description().ID)
	flight := e.asking.DoChan(string(k[:])+strconv.FormatUint(began, 36), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
		defer cancel()
		frames, err := guarded(ctx, w, q)
		if err != nil {
			return nil, err
		}
		a := &Answer{Frames: frames, At: e.Now(), asked: about}
		e.answers.Set(k, a)
		if e.changes.of(w.Description().ID) != began { // a form was sent meanwhile
			e.answers.Invalidate(k)
		}
		return a, nil
	})
	select {
	case r := <-flight:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Answer), nil //nolint:forcetypeassert // see above
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// guarded makes an error of a panic: the question has a goroutine of its own, where one would end the host.
func guarded(ctx context.Context, w Widget, q Query) (frames []*frame.Frame, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("widget %s panicked: %v", w.Description().ID, p)
		}
	}()
	return w.Query(ctx, q)
}

// refused tells whether err is about what the viewer asks for or may see.
func refused(err error) bool {
	switch apierror.NameOf(err) {
	case apierror.Input, apierror.NotFound, apierror.NotAllowed, apierror.Authentication, apierror.Conflict:
		return true
	}
	return false
}

// outage tells whether err is about the widget's source, rather than about the viewer, who may also have gone away.
func outage(err error) bool { return !refused(err) && !errors.Is(err, context.Canceled) }

func refreshOf(d Description) time.Duration {
	if d.Refresh == 0 {
		return usualRefresh
	}
	return max(d.Refresh, leastRefresh)
}

// keyOf tells widgets apart by what they are: one of a plugin that started anew is another, and so are its answers. Of the
// entity it has the version: to write a description of megabytes as JSON takes longer than to show what is remembered of it.
func keyOf(w Widget, q posed) (k key, err error) {
	q.Entity = nil
	text, err := json.Marshal(q.Query)
	if err != nil {
		return k, fmt.Errorf("widget %s: %w", w.Description().ID, err)
	}
	h := sha256.New()
	// The address of one that is gone may be another's now, so it says nothing without the id.
	fmt.Fprintf(h, "%s %p %q\n%s", w.Description().ID, w, q.version, text)
	h.Sum(k[:0])
	return k, nil
}

// weight is about the bytes of an answer.
func (a *Answer) weight() uint32 {
	total := 1 << 10
	for _, f := range a.Frames {
		total += len(f.Columns) * f.Rows() * 32
	}
	return uint32(min(total, weighed))
}
