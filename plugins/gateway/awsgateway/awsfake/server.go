package awsfake

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/awsgateway/sigv4"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Who may manage the fake, and where it is.
const (
	Region          = "eu-central-1"
	AccessKeyID     = "AKIDEXAMPLE"
	SecretAccessKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" //nolint:gosec // that of AWS's documentation
)

// Options of a [Server].
type Options struct {
	Now   func() time.Time
	Delay time.Duration // until the gateway sees a change
	Page  int           // what one answer lists at most; 0 = 500
	Keys  int           // the account may have; 0 = 10000
}

// Server is API Gateway in one region of an account. Its handler is the control plane.
type Server struct {
	gatewayfake.Faults

	options Options
	handler http.Handler
	seen    gatewayfake.History[state]

	mu    sync.Mutex
	state state
	used  map[usageKey]int64
}

// New makes one with the REST APIs orders (stages prod and test) and stock (prod), and the usage plans basic, gold and open.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Page == 0 {
		o.Page = 500
	}
	if o.Keys == 0 {
		o.Keys = 10000
	}
	s := &Server{options: o, state: sample(), used: map[usageKey]int64{}}
	s.seen.Delay(o.Delay)
	s.seen.Put(o.Now(), s.state.clone())
	s.handler = s.Wrap(http.HandlerFunc(s.manage))
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// SetDelay sets how long the gateway takes to see changes from now on.
func (s *Server) SetDelay(d time.Duration) { s.seen.Delay(d) }

// failure is an error of the control plane.
type failure struct {
	status        int
	kind, message string
}

func notFound(what string) *failure {
	return &failure{http.StatusNotFound, "NotFoundException", "Invalid " + what + " identifier specified"}
}

func invalid(message string) *failure {
	return &failure{http.StatusBadRequest, "BadRequestException", message}
}

func (f *failure) send(w http.ResponseWriter) {
	w.Header().Set("X-Amzn-Errortype", f.kind)
	answer(w, f.status, map[string]string{"message": f.message})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the caller may have gone
}

// call is one request to the control plane.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	path  []string
	query url.Values
	body  map[string]any
}

func (c call) text(name string) string {
	text, _ := c.body[name].(string)
	return text
}

func (s *Server) manage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return // the caller has gone
	}
	if f := s.admit(r, string(data)); f != nil {
		f.send(w)
		return
	}
	c := call{w: w, r: r, query: r.URL.Query(), body: map[string]any{}}
	if len(data) > 0 && json.Unmarshal(data, &c.body) != nil {
		invalid("Invalid request body").send(w)
		return
	}
	for segment := range strings.SplitSeq(strings.Trim(r.URL.EscapedPath(), "/"), "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			invalid("Invalid path").send(w)
			return
		}
		c.path = append(c.path, plain)
	}
	if f := s.route(c); f != nil {
		f.send(w)
		return
	}
	if r.Method != http.MethodGet {
		s.seen.Put(s.options.Now(), s.state.clone())
	}
}

// admit checks the signature by making it again.
func (s *Server) admit(r *http.Request, body string) *failure {
	deny := func(kind, message string) *failure { return &failure{http.StatusForbidden, kind, message} }
	given := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	now := s.options.Now()
	switch {
	case given == "" || err != nil:
		return deny("MissingAuthenticationTokenException", "Missing Authentication Token")
	case !strings.Contains(given, "Credential="+AccessKeyID+"/"):
		return deny("UnrecognizedClientException", "The security token included in the request is invalid.")
	case now.Sub(at) > 5*time.Minute:
		return deny("InvalidSignatureException", "Signature expired: "+at.Format(time.RFC3339)+" is now earlier than "+now.Format(time.RFC3339))
	case at.Sub(now) > 5*time.Minute:
		return deny("InvalidSignatureException", "Signature not yet current: "+at.Format(time.RFC3339)+" is still later than "+now.Format(time.RFC3339))
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), strings.NewReader(body))
	if err != nil {
		return invalid("Invalid request")
	}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		again.Header.Set("Content-Type", kind)
	}
	signer := sigv4.Signer{AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey, Region: Region, Service: "apigateway"}
	if signer.Sign(again, at) != nil || again.Header.Get("Authorization") != given {
		return deny("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.")
	}
	return nil
}

func (s *Server) route(c call) *failure {
	switch c.path[0] {
	case "apikeys":
		return s.keys(c)
	case "tags":
		return s.tags(c)
	case "usageplans":
		return s.plans(c)
	case "restapis":
		return s.apis(c)
	}
	return &failure{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
}

// list answers a page of a collection.
func (s *Server) list(c call, ids []string, show func(string) any) *failure {
	slices.Sort(ids)
	limit := s.options.Page
	if text := c.query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 500 {
			return invalid("Invalid limit")
		}
		limit = min(limit, n)
	}
	begin := 0
	if position := c.query.Get("position"); position != "" {
		at, there := slices.BinarySearch(ids, position)
		if begin = at; there {
			begin = at + 1
		}
	}
	end := min(begin+limit, len(ids))
	page, items := map[string]any{}, []any{}
	for _, id := range ids[begin:end] {
		items = append(items, show(id))
	}
	page["item"] = items
	if end < len(ids) {
		page["position"] = ids[end-1]
	}
	answer(c.w, http.StatusOK, page)
	return nil
}

func newID() string { return strings.ToLower(rand.Text())[:10] }
