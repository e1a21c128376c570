package widget

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// Badge is the one value of a widget as a picture for READMEs (SVG), or as the JSON that badge services read.
func (e *Engine) Badge(ctx context.Context, p *principal.Principal, r Request, asJSON bool, o draw.Options) Shown {
	s := Shown{Description: Description{ID: r.ID}, Status: http.StatusOK}
	if s.Answer, s.Err = e.Data(ctx, p, r); s.Err == nil {
		s.Description, s.Err = e.Describe(r.ID)
	}
	if s.Err == nil && !s.Description.View.Picture() {
		s.Err = apierror.Inputf("The widget %s is a %s, which has no single value for a badge", string(r.ID), s.Description.View)
	}
	if s.Err != nil {
		return e.failed(ctx, s, r, SVG, o)
	}
	label, value, status, ok := draw.BadgeOf(first(s.Answer), s.Description.Title, o)
	if !ok && !s.Answer.empty() {
		s.Err = apierror.Inputf("The widget %s has no single value for a badge", string(r.ID))
		return e.failed(ctx, s, r, SVG, o)
	}
	s.MaxAge, s.Age = e.ageOf(s.Description, s.Answer), e.Now().Sub(s.Answer.At)
	if !asJSON {
		s.Body = []byte(draw.Badge(label, value, status, o))
		return s
	}
	s.Body, s.Err = json.Marshal(draw.ShieldOf(label, value, status))
	return s
}

// Picture reports whether the host has a picture of the view, rather than a table alone.
func (v View) Picture() bool { return drawings[v] != nil }

// UsualHeight is about how high a picture is where nobody says a height, in CSS pixels; 0 = the view is none.
func (v View) UsualHeight() int {
	if !v.Picture() {
		return 0
	}
	return draw.UsualHeight(string(v))
}

const jsonType = "application/json; charset=utf-8"

func (h *routes) badge(c *gin.Context) error {
	name, ending, _ := cutLast(c.Param("file"), ".")
	if ending != "svg" && ending != "json" {
		return apierror.NotFoundf("There is no badge %q; one is served as .svg and .json", c.Param("file"))
	}
	r, o, err := readQuestion(idOf(c, name), c.Request.URL.Query(), h.engine.Now())
	if err != nil {
		return err
	}
	s := h.engine.Badge(c.Request.Context(), httpx.Principal(c), r, ending == "json", o)
	if s.Err != nil {
		return s.Err
	}
	if ending == "json" {
		mayKeep(c, s.MaxAge, s.Age)
		return httpx.Tagged(c, s.Status, jsonType, s.Body)
	}
	return sendShown(c, s, SVG, name)
}
