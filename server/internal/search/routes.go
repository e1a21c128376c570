package search

import (
	_ "embed"
	"encoding/json"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
)

//go:embed openapi.yaml
var openAPI []byte

// Feature is what the edge needs to know.
func Feature() httpx.Feature { return httpx.Feature{ID: "search", OpenAPI: openAPI} }

// ReadLimits reads the section search.
func ReadLimits(s *config.Section) Limits {
	l := Limits{TermLength: s.Int("maxTermLength", 100), PageLimit: s.Int("maxPageLimit", 100)}
	if l.TermLength < 1 {
		s.Problem("maxTermLength", "must be 1 or more")
	}
	if l.PageLimit < 1 {
		s.Problem("maxPageLimit", "must be 1 or more")
	}
	return l
}

// Routes adds the routes of e to r.
func Routes(r *httpx.Router, e *Engine, l Limits) {
	r.GET("/query", httpx.AnyPrincipal, func(c *gin.Context) error {
		q, err := ParseQuery(c.Request.URL.RawQuery, e.TypeNames(), l)
		if err != nil {
			return err
		}
		ctx := c.Request.Context()
		results, err := e.Query(ctx, httpx.Principal(c), q)
		if err != nil {
			if ctx.Err() == nil {
				e.log.ErrorContext(ctx, "search failed", "term", q.Term, "error", err)
			}
			return apierror.New(apierror.Generic, "There was a problem performing the search query")
		}
		return httpx.JSON(c, 200, e.render(results))
	})
}

// render is the body of an answer.
func (e *Engine) render(r Results) json.RawMessage {
	b := make([]byte, 0, 1024+512*len(r.Results))
	b = append(b, '{')
	if r.Total != nil {
		b = appendMember(b, "numberOfResults", *r.Total)
		b = append(b, ',')
	}
	if r.Next != nil {
		b = appendMember(b, "nextPageCursor", r.Next.cursor())
		b = append(b, ',')
	}
	if r.Previous != nil {
		b = appendMember(b, "previousPageCursor", r.Previous.cursor())
		b = append(b, ',')
	}
	b = append(b, `"results":[`...)
	for i, res := range r.Results {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.appendResult(b, res)
	}
	return append(b, `]}`...)
}

func (e *Engine) appendResult(b []byte, r Result) []byte {
	b = append(b, '{')
	b = appendMember(b, "type", r.Type)
	b = append(b, `,"document":{`...)
	for i, value := range r.Document.Values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMember(b, r.Fields[i], value)
	}
	if extra := r.Document.Extra; len(extra) > len("{}") {
		b = append(b, ',')
		b = append(b, extra[1:len(extra)-1]...)
	}
	b = append(b, `},`...)
	b = appendMember(b, "rank", r.Rank)
	b = append(b, `,"highlight":{`...)
	b = appendMember(b, "preTag", e.preTag)
	b = append(b, ',')
	b = appendMember(b, "postTag", e.postTag)
	b = append(b, `,"fields":{`...)
	for i, h := range r.Highlight {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMember(b, h.Field, h.Text)
	}
	return append(b, `}}}`...)
}

func appendMember[T string | int](b []byte, name string, value T) []byte {
	b = appendJSON(b, name)
	b = append(b, ':')
	return appendJSON(b, value)
}
