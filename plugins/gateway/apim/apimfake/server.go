package apimfake

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// What the fake is called, and who may manage it.
const (
	Tenant        = "contoso.example"
	ClientID      = "8a1d6f2e-0000-4000-8000-0123456789ab"
	ClientSecret  = "apim-client-s3cret" //nolint:gosec // of nothing real
	Subscription  = "00000000-0000-4000-8000-000000000001"
	ResourceGroup = "portal"
	Service       = "contoso"
)

// Options of a [Server].
type Options struct {
	Now   func() time.Time
	Delay time.Duration // until the gateway sees a change
	Page  int           // what one answer lists; 0 = 100
	Life  time.Duration // of a token; 0 = 1 h
}

// Server is the service. Its handler is the management API together with the login.
type Server struct {
	gatewayfake.Faults // of the management API, not of the login

	options Options
	handler http.Handler
	seen    gatewayfake.History[state]
	used    gatewayfake.Limiter

	mu     sync.Mutex
	state  state
	tokens map[string]time.Time // and when they end
	serial int
}

// New makes one with two APIs, orders and stock, and the products starter, gold and partner. Partner wants an approval.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Page == 0 {
		o.Page = 100
	}
	if o.Life == 0 {
		o.Life = time.Hour
	}
	s := &Server{options: o, state: sample(), tokens: map[string]time.Time{}}
	s.seen.Delay(o.Delay)
	s.seen.Put(o.Now(), s.state.clone())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.login)
	mux.Handle("/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.ApiManagement/service/{svc}/", s.Wrap(http.HandlerFunc(s.manage)))
	mux.Handle("/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.ApiManagement/service/{svc}", s.Wrap(http.HandlerFunc(s.manage)))
	s.handler = mux
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.ParseForm() != nil || r.PostForm.Get("grant_type") != "client_credentials" || !strings.HasSuffix(r.PostForm.Get("scope"), "/.default") {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "AADSTS900144: The request body must contain grant_type and scope."})
		return
	}
	if r.PathValue("tenant") != Tenant {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "AADSTS90002: Tenant '" + r.PathValue("tenant") + "' not found."})
		return
	}
	if r.PostForm.Get("client_id") != ClientID || r.PostForm.Get("client_secret") != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token := "eyJ" + rand.Text()
	s.tokens[token] = s.options.Now().Add(s.options.Life)
	answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": int(s.options.Life / time.Second), "access_token": token})
}

// SetDelay sets how long the gateway takes to see changes from now on.
func (s *Server) SetDelay(d time.Duration) { s.seen.Delay(d) }

// ForgetTokens makes the management API take none of the tokens that were given, as when a role was changed.
func (s *Server) ForgetTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// failure is an error of the management API.
type failure struct {
	status        int
	code, message string
}

func notFound(what string) *failure {
	return &failure{http.StatusNotFound, "ResourceNotFound", what + " not found."}
}

func invalid(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, "ValidationError", fmt.Sprintf(format, args...)}
}

func (f *failure) send(w http.ResponseWriter) {
	answer(w, f.status, map[string]any{"error": map[string]any{"code": f.code, "message": f.message, "details": nil}})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the caller may have gone
}

func (s *Server) manage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.admit(r); f != nil {
		f.send(w)
		return
	}
	body := map[string]any{}
	if data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20)); err != nil || len(data) > 0 && json.Unmarshal(data, &body) != nil {
		invalid("The request body is no JSON.").send(w)
		return
	}
	_, path, _ := strings.Cut(r.URL.Path, "/service/"+Service)
	segments := strings.Split(strings.Trim(path, "/"), "/")
	call := call{w: w, r: r, path: segments, body: body}
	if f := s.route(call); f != nil {
		f.send(w)
		return
	}
	if r.Method != http.MethodGet {
		s.seen.Put(s.options.Now(), s.state.clone())
	}
}

// call is one request to the management API.
type call struct {
	w    http.ResponseWriter
	r    *http.Request
	path []string
	body map[string]any
}

func (s *Server) admit(r *http.Request) *failure {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	end, known := s.tokens[token]
	switch {
	case !bearer:
		return &failure{http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."}
	case !known || !s.options.Now().Before(end):
		return &failure{http.StatusUnauthorized, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."}
	case r.URL.Query().Get("api-version") == "":
		return &failure{http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests."}
	case r.PathValue("sub") != Subscription:
		return &failure{http.StatusNotFound, "SubscriptionNotFound", "The subscription '" + r.PathValue("sub") + "' could not be found."}
	case r.PathValue("rg") != ResourceGroup:
		return &failure{http.StatusNotFound, "ResourceGroupNotFound", "Resource group '" + r.PathValue("rg") + "' could not be found."}
	case r.PathValue("svc") != Service:
		return &failure{http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.ApiManagement/service/" + r.PathValue("svc") + "' under resource group '" + ResourceGroup + "' was not found."}
	}
	return nil
}

func armID(r *http.Request, path string) string {
	base, _, _ := strings.Cut(r.URL.Path, "/service/"+Service)
	return base + "/service/" + Service + path
}

var filterPattern = regexp.MustCompile(`^(?:startswith\(name,\s*'([^']*)'\)|name eq '([^']*)')$`)

// list answers a page of a collection.
func (s *Server) list(c call, names []string, show func(string) any) *failure {
	query := c.r.URL.Query()
	if filter := query.Get("$filter"); filter != "" {
		m := filterPattern.FindStringSubmatch(filter)
		if m == nil {
			return invalid("Invalid filter clause specified: %s", filter)
		}
		names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, m[1]) || m[2] != "" && n != m[2] })
	}
	slices.Sort(names)
	skip, _ := strconv.Atoi(query.Get("$skip"))
	skip = min(max(skip, 0), len(names))
	end := min(skip+s.options.Page, len(names))
	page, values := map[string]any{"count": len(names)}, []any{}
	for _, n := range names[skip:end] {
		values = append(values, show(n))
	}
	page["value"] = values
	if end < len(names) {
		query.Set("$skip", strconv.Itoa(end))
		page["nextLink"] = "https://management.azure.com:443" + c.r.URL.EscapedPath() + "?" + query.Encode()
	}
	answer(c.w, http.StatusOK, page)
	return nil
}

// ifMatch checks what a change of something that is there must name.
func (c call) ifMatch(etag string) *failure {
	switch c.r.Header.Get("If-Match") {
	case "":
		return &failure{http.StatusPreconditionFailed, "PreconditionFailed", "Resource exists already; If-Match header must be specified to update it."}
	case "*", etag:
		return nil
	}
	return &failure{http.StatusPreconditionFailed, "PreconditionFailed", "Resource was modified since last retrieval."}
}

func (c call) property(name string) string {
	properties, _ := c.body["properties"].(map[string]any)
	text, _ := properties[name].(string)
	return text
}

func (s *Server) etag() string {
	s.serial++
	return fmt.Sprintf(`"%016x"`, s.serial)
}
