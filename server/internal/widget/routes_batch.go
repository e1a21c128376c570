package widget

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/errgroup"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

const (
	// mostQuestions is how many a batch may have, and atOnce how many are asked at the same time.
	mostQuestions, atOnce = 50, 8
	// slowest is how long a caller may take for one line.
	slowest = time.Minute
)

// question is one of a batch. It has the parameters of the API for one widget, with numbers as numbers or as text.
type question struct {
	ID        ID              `json:"id"`
	EntityRef string          `json:"entityRef,omitempty"`
	From      word            `json:"from,omitempty"`
	To        word            `json:"to,omitempty"`
	Range     string          `json:"range,omitempty"`
	MaxPoints word            `json:"maxPoints,omitempty"`
	Args      json.RawMessage `json:"args,omitempty"`
	Lang      string          `json:"lang,omitempty"`
	TZ        string          `json:"tz,omitempty"`
	W         word            `json:"w,omitempty"`
	H         word            `json:"h,omitempty"`
	Level     word            `json:"level,omitempty"`
	Theme     string          `json:"theme,omitempty"`
	Format    string          `json:"format,omitempty"` // html, which is the default, or json
}

// word is a text, or a number as text.
type word string

func (w *word) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(text, &n); err != nil {
			return errors.New("must be a text or a number")
		}
		*w = word(n)
		return nil
	}
	return json.Unmarshal(text, (*string)(w))
}

// values are the parameters as they are in an address.
func (q *question) values() url.Values {
	v := url.Values{}
	for name, text := range map[string]string{
		"entityRef": q.EntityRef, "from": string(q.From), "to": string(q.To), "range": q.Range, "maxPoints": string(q.MaxPoints), "args": string(q.Args),
		"lang": q.Lang, "tz": q.TZ, "w": string(q.W), "h": string(q.H), "level": string(q.Level), "theme": q.Theme,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	return v
}

// answerLine is the answer to one question of a batch.
type answerLine struct {
	Index  int        `json:"index"`
	Status int        `json:"status"` // of HTTP, had it been asked alone
	HTML   string     `json:"html,omitempty"`
	Data   *answered  `json:"data,omitempty"`
	AsOf   *time.Time `json:"asOf,omitempty"`
	MaxAge int        `json:"maxAge"` // seconds
	Error  *lineError `json:"error,omitempty"`
}

type lineError struct {
	Name    apierror.Name `json:"name"`
	Message string        `json:"message"`
}

// batch answers each question as if it were asked alone, a line for each as soon as there is an answer.
func (h *routes) batch(c *gin.Context) error {
	questions, err := readBatch(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Request.Context())
	lines := h.engine.batch(ctx, httpx.Principal(c), questions)
	defer func() {
		cancel()
		for range lines { // nobody reads them; their questions end with ctx
		}
	}()
	header := c.Writer.Header()
	header.Set("Content-Type", "application/x-ndjson")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	header.Set("X-Content-Type-Options", "nosniff")
	c.Writer.WriteHeader(http.StatusOK)
	out, control := json.NewEncoder(c.Writer), http.NewResponseController(c.Writer)
	out.SetEscapeHTML(false) // it is JSON, and half of it would be escapes
	for line := range lines {
		_ = control.SetWriteDeadline(time.Now().Add(slowest))
		if out.Encode(line) != nil || control.Flush() != nil {
			return nil // the caller is gone
		}
	}
	return nil
}

func readBatch(c *gin.Context) ([]question, error) {
	var raw json.RawMessage
	if err := httpx.BindJSON(c, &raw); err != nil {
		return nil, err
	}
	var body struct {
		Requests []question `json:"requests"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return nil, apierror.Inputf("requests: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if n := len(body.Requests); n == 0 || n > mostQuestions {
		return nil, apierror.Inputf("requests: must be from 1 to %d", mostQuestions)
	}
	for i, q := range body.Requests {
		switch {
		case q.ID == "":
			return nil, apierror.Inputf("requests[%d].id: must be the id of a widget", i)
		case q.Format != "" && q.Format != "html" && q.Format != "json":
			return nil, apierror.Inputf("requests[%d].format: must be html or json", i)
		case len(q.Args) > maxArgs:
			return nil, apierror.Inputf("requests[%d].args: must have at most %d bytes", i, maxArgs)
		}
	}
	return body.Requests, nil
}

// batch asks questions that are the same once. The channel is closed when all are answered; it has room for all of them, so
// that nothing waits for who reads.
func (e *Engine) batch(ctx context.Context, p *principal.Principal, questions []question) <-chan answerLine {
	same, order := map[string][]int{}, []string{}
	for i := range questions {
		text, _ := json.Marshal(&questions[i]) // what was read from JSON
		if _, known := same[string(text)]; !known {
			order = append(order, string(text))
		}
		same[string(text)] = append(same[string(text)], i)
	}
	lines := make(chan answerLine, len(questions))
	go func() {
		defer close(lines)
		var group errgroup.Group
		group.SetLimit(atOnce)
		for _, text := range order {
			group.Go(func() error {
				line := e.reply(ctx, p, &questions[same[text][0]])
				for _, i := range same[text] {
					line.Index = i
					lines <- line
				}
				return nil
			})
		}
		_ = group.Wait()
	}()
	return lines
}

// reply makes an error of a panic, which on a goroutine of its own would end the host.
func (e *Engine) reply(ctx context.Context, p *principal.Principal, q *question) (line answerLine) {
	defer func() {
		if failure := recover(); failure != nil {
			line = e.failedLine(ctx, q.ID, fmt.Errorf("panic: %v", failure))
		}
	}()
	r, o, err := readQuestion(q.ID, q.values(), e.Now())
	if q.Format == "json" {
		if err == nil {
			return e.dataLine(ctx, p, r)
		}
		return e.failedLine(ctx, q.ID, err)
	}
	var s Shown
	if err == nil {
		s = e.Show(ctx, p, r, HTML, o)
	} else {
		s = e.Refuse(ctx, r, err, o)
	}
	line = answerLine{Status: s.Status, HTML: string(s.Body), MaxAge: int(s.MaxAge.Seconds())}
	if s.Err != nil {
		line.Error = lineErrorOf(s.Err)
		return line
	}
	at := s.Answer.At.UTC()
	line.AsOf = &at
	return line
}

func (e *Engine) dataLine(ctx context.Context, p *principal.Principal, r Request) answerLine {
	a, err := e.Data(ctx, p, r)
	if err != nil {
		return e.failedLine(ctx, r.ID, err)
	}
	d, err := e.Describe(r.ID)
	if err != nil {
		return e.failedLine(ctx, r.ID, err)
	}
	data := answeredOf(d, a)
	return answerLine{Status: http.StatusOK, Data: &data, AsOf: &data.AsOf, MaxAge: int(e.ageOf(d, a).Seconds())}
}

func (e *Engine) failedLine(ctx context.Context, id ID, err error) answerLine {
	line := answerLine{Status: http.StatusInternalServerError, Error: lineErrorOf(err)}
	if named, ok := errors.AsType[*apierror.Error](err); ok {
		line.Status = named.HTTPStatus()
	} else if ctx.Err() == nil {
		e.Logger.ErrorContext(ctx, "a widget cannot be shown", "widget", strconv.Quote(string(id)), "error", err)
	}
	return line
}

// lineErrorOf has the text of errors that are for people; that of others is in the log.
func lineErrorOf(err error) *lineError {
	if text := told(err); text != "" {
		return &lineError{apierror.NameOf(err), text}
	}
	return &lineError{apierror.Generic, "An internal error occurred"}
}
