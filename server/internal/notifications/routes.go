package notifications

import (
	_ "embed"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
)

//go:embed openapi.yaml
var openAPI []byte

// Feature is what the edge needs to know.
func Feature() httpx.Feature {
	return httpx.Feature{ID: "notifications", OpenAPI: openAPI, Policies: []httpx.Policy{{Path: "/health", Allow: httpx.AllowUnauthenticated}}}
}

// Routes adds the routes of s to r. The paths without /notifications are the reference's older ones.
func Routes(r *httpx.Router, s *Service) {
	r.GET("/status", httpx.UserOnly, s.getStatus)
	r.GET("/settings", httpx.UserOnly, s.getSettings)
	r.POST("/settings", httpx.UserOnly, s.postSettings)
	r.GET("/topics", httpx.UserOnly, s.getTopics)
	for _, prefix := range []string{"", "/notifications"} {
		list := prefix
		if list == "" {
			list = "/"
		}
		r.GET(list, httpx.UserOnly, s.getList)
		r.POST(list, httpx.ServiceOnly, s.post)
		r.GET(prefix+"/:id", httpx.UserOnly, s.getOne)
		r.POST(prefix+"/update", httpx.UserOnly, s.postUpdate)
	}
}

func user(c *gin.Context) User { return User(strings.ToLower(httpx.Principal(c).Subject)) }

func (s *Service) getStatus(c *gin.Context) error {
	status, err := s.Status(c.Request.Context(), user(c))
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, status)
}

func (s *Service) getSettings(c *gin.Context) error {
	settings, err := s.Settings(c.Request.Context(), user(c))
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, settings)
}

func (s *Service) postSettings(c *gin.Context) error {
	var body Settings
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	settings, err := s.SaveSettings(c.Request.Context(), user(c), body)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, settings)
}

func (s *Service) getTopics(c *gin.Context) error {
	f, err := readFilter(c)
	if err != nil {
		return err
	}
	topics, err := s.Topics(c.Request.Context(), user(c), f)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"topics": topics})
}

func (s *Service) getList(c *gin.Context) error {
	l, err := readList(c)
	if err != nil {
		return err
	}
	page, total, err := s.List(c.Request.Context(), user(c), l)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"totalCount": total, "notifications": page})
}

func (s *Service) getOne(c *gin.Context) error {
	n, err := s.Get(c.Request.Context(), user(c), c.Param("id"))
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, n)
}

func (s *Service) postUpdate(c *gin.Context) error {
	var change Change
	if err := httpx.BindJSON(c, &change); err != nil {
		return err
	}
	updated, err := s.Update(c.Request.Context(), user(c), change)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, updated)
}

// refs is one ref or a list of refs.
type refs []string

// UnmarshalJSON implements json.Unmarshaler.
func (r *refs) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(r))
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*r = refs{one}
	return nil
}

// sendBody is the body of a sending request. The payload is kept as it came, too: the answer repeats it.
type sendBody struct {
	Recipients struct {
		Type             string
		EntityRef        refs
		ExcludeEntityRef refs
	}
	Payload json.RawMessage
}

type sendPayload struct {
	Title       string
	Description *string
	Link        *string
	Topic       *string
	Severity    Severity
	Scope       *string
	Icon        *string
}

func (s *Service) post(c *gin.Context) error {
	var body sendBody
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	var p sendPayload
	echo := map[string]any{}
	for _, into := range []any{&p, &echo} {
		if err := json.Unmarshal(body.Payload, into); err != nil {
			return apierror.Inputf("request/body/payload: %s", err)
		}
	}
	if p.Severity == "" {
		p.Severity = defaultSeverity
	}
	echo["severity"] = p.Severity
	sent, err := s.Send(c.Request.Context(), Draft{
		Origin: httpx.Principal(c).Subject, Broadcast: body.Recipients.Type == "broadcast",
		Refs: body.Recipients.EntityRef, Excluded: body.Recipients.ExcludeEntityRef,
		Title: p.Title, Description: p.Description, Link: p.Link, Topic: p.Topic, Severity: p.Severity, Scope: p.Scope, Icon: p.Icon,
	})
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, renderSent(sent, echo))
}

// renderSent answers new notifications as they were sent, and updated ones as they are stored.
func renderSent(sent []Sent, payload map[string]any) []any {
	all := make([]any, len(sent))
	for i, n := range sent {
		if n.Replaced {
			all[i] = n.Notification
			continue
		}
		var to any
		if n.To != "" {
			to = n.To
		}
		all[i] = map[string]any{"id": n.ID, "user": to, "created": n.Created, "origin": n.Origin, "payload": payload}
	}
	return all
}

// readList reads the query of a list; its types have been checked against the OpenAPI document.
func readList(c *gin.Context) (List, error) {
	f, err := readFilter(c)
	if err != nil {
		return List{}, err
	}
	f.Topic = c.Query("topic")
	l := List{Filter: f, Limit: -1}
	if text, given := c.GetQuery("limit"); given {
		l.Limit = readCount(text)
	}
	l.Offset = readCount(c.Query("offset"))
	for _, text := range c.QueryArray("orderField") {
		o, err := readOrder(text)
		if err != nil {
			return List{}, err
		}
		l.Order = append(l.Order, o)
	}
	return l, nil
}

// readCount reads a whole number in any notation that the OpenAPI check lets through.
func readCount(text string) int {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0
	}
	return int(min(max(n, 0), math.MaxInt32))
}

// readOrder reads "field" or "field,direction". The reference answers an unknown field with the database's error.
func readOrder(text string) (Order, error) {
	field, direction, _ := strings.Cut(text, ",")
	if i := strings.IndexByte(direction, ','); i >= 0 {
		direction = direction[:i]
	}
	if direction != "asc" && direction != "desc" && strings.Contains(text, ",") {
		return Order{}, apierror.Inputf("Invalid order field order, must be asc or desc")
	}
	column, ok := orderColumns[field]
	if !ok {
		return Order{}, &apierror.Error{Name: apierror.Generic, Message: "Unknown order field " + strconv.Quote(field)}
	}
	return Order{Column: column, Descending: direction == "desc"}, nil
}

func readFilter(c *gin.Context) (Filter, error) {
	f := Filter{Search: c.Query("search"), MinimumSeverity: Severity(c.Query("minimumSeverity"))}
	f.Read, f.Saved = readFlag(c.Query("read")), readFlag(c.Query("saved"))
	if text := c.Query("createdAfter"); text != "" {
		at, ok := readDate(text)
		if !ok {
			return Filter{}, apierror.Inputf("Unexpected date format")
		}
		ms := Time(at.UnixMilli())
		f.CreatedAfter = &ms
	}
	for _, text := range []string{f.Search, c.Query("topic")} {
		if err := checkText("request/query", text); err != nil {
			return Filter{}, err
		}
	}
	return f, nil
}

func readFlag(text string) *bool {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return nil
	}
	return &b
}

// readDate reads the forms of ISO 8601 and the date headers of HTTP and mail.
func readDate(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
		time.DateOnly, "2006-01", "2006", time.RFC1123, time.RFC1123Z} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
