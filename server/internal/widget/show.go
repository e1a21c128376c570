package widget

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// Shown is a widget in a format, as it is sent.
type Shown struct {
	Description Description
	Answer      *Answer // nil = there is none
	Status      int     // of HTTP
	Body        []byte
	// MaxAge is how long the viewer may keep it, Age how old it is.
	MaxAge, Age time.Duration
	// Err is why there is no answer, or why it cannot be shown.
	Err error
}

// Show asks for a widget and renders it. A fragment of HTML has a body also where Err is set, which says what is wrong;
// other formats have none then.
func (e *Engine) Show(ctx context.Context, p *principal.Principal, r Request, f Format, o draw.Options) Shown {
	s := Shown{Description: Description{ID: r.ID}, Status: http.StatusOK}
	var body string
	if s.Err = mayExport(p, f); s.Err == nil {
		s.Answer, s.Err = e.Data(ctx, p, r)
	}
	if described, err := e.Describe(r.ID); err == nil && p.Embed.AllowsWidget(string(r.ID)) {
		s.Description = described
	}
	if s.Err == nil {
		body, s.Err = Render(s.Description, s.Answer, f, o)
	}
	if s.Err != nil {
		return e.failed(ctx, s, r, f, o)
	}
	s.Body, s.MaxAge, s.Age = []byte(body), e.ageOf(s.Description, s.Answer), e.Now().Sub(s.Answer.At)
	return s
}

// Refuse is a fragment about a question that cannot be read.
func (e *Engine) Refuse(ctx context.Context, r Request, err error, o draw.Options) Shown {
	s := Shown{Err: err}
	s.Description, _ = e.Describe(r.ID) // there may be none of that name
	s.Description.ID = r.ID
	return e.failed(ctx, s, r, HTML, o)
}

func (e *Engine) failed(ctx context.Context, s Shown, r Request, f Format, o draw.Options) Shown {
	s.Status = http.StatusInternalServerError
	if named, ok := errors.AsType[*apierror.Error](s.Err); ok {
		s.Status = named.HTTPStatus()
	}
	if f != HTML {
		return s
	}
	if s.Status == http.StatusInternalServerError && ctx.Err() == nil {
		e.Logger.ErrorContext(ctx, "a widget cannot be shown", "widget", string(r.ID), "error", s.Err)
	}
	request := ""
	if e.RequestAccess != nil && s.Status == http.StatusForbidden {
		request = e.RequestAccess(s.Description, r.Entity)
	}
	s.Body = []byte(RenderState(s.Description, s.Err, request, o))
	return s
}

// AccessAt leads to a page where people ask for access, which gets the widget and the entity as parameters of its address;
// "" = there is none.
func AccessAt(page string) func(d Description, entityRef string) string {
	u, err := url.Parse(page)
	if page == "" || err != nil { // the configuration was checked
		return nil
	}
	return func(d Description, entityRef string) string {
		at, q := *u, u.Query()
		q.Set("widget", string(d.ID))
		if entityRef != "" {
			q.Set("entityRef", entityRef)
		}
		at.RawQuery = q.Encode()
		return at.String()
	}
}
