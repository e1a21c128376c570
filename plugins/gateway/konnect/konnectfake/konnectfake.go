// Package konnectfake is a Kong Konnect for tests and demonstrations: control planes with the core entities of a
// [kongfake.Server], Konnect's credentials and Konnect's form of errors.
//
//	s := konnectfake.New(konnectfake.Options{Token: "kpat_demo"})
//	s.Kong().Sample()
//	http.ListenAndServe("127.0.0.1:8001", s)
//	http.ListenAndServe("127.0.0.1:8000", s.Gateway())
package konnectfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
)

// ControlPlane is the id of the only control plane.
const ControlPlane = "9f2a8c1e-6b7d-4d53-9a50-0c5e7a1b2c3d"

// Options say what kind of Konnect it is.
type Options struct {
	// Token is the access token that it takes.
	Token string
	// Type is that of the control plane; "" = CLUSTER_TYPE_CONTROL_PLANE.
	Type     string
	PageSize int              // see [kongfake.Options]
	Now      func() time.Time // the clock; nil = time.Now
}

// Server is a region of Konnect. It is an [http.Handler], safe for concurrent use.
type Server struct {
	options Options
	kong    *kongfake.Server
	faults  gatewayfake.Faults
	handler http.Handler

	mu    sync.Mutex
	token string
}

// New makes one whose control plane has no entities.
func New(o Options) *Server {
	if o.Type == "" {
		o.Type = "CLUSTER_TYPE_CONTROL_PLANE"
	}
	s := &Server{options: o, token: o.Token, kong: kongfake.New(kongfake.Options{PageSize: o.PageSize, Now: o.Now, Role: "control_plane"})}
	s.handler = s.faults.Wrap(http.HandlerFunc(s.serve))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Kong has the entities; its Admin API is not Konnect's.
func (s *Server) Kong() *kongfake.Server { return s.kong }

// Gateway is a data plane of the control plane.
func (s *Server) Gateway() http.Handler { return s.kong.Gateway() }

// Faults make the management API fail.
func (s *Server) Faults() *gatewayfake.Faults { return &s.faults }

// SetToken replaces the token, as if the former one had been revoked.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	path, known := strings.CutPrefix(r.URL.EscapedPath(), "/v2/control-planes")
	entity, core := strings.CutPrefix(path, "/"+ControlPlane+"/core-entities/")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token:
		refuse(w, http.StatusUnauthorized, "Unauthorized", "A valid token is required")
	case known && path == "":
		answer(w, http.StatusOK, map[string]any{"data": []any{s.plane()}, "meta": map[string]any{"page": map[string]any{"number": 1, "size": 10, "total": 1}}})
	case known && path == "/"+ControlPlane:
		answer(w, http.StatusOK, s.plane())
	case known && core:
		s.entities(w, r, entity)
	default:
		refuse(w, http.StatusNotFound, "Not Found", "Not found")
	}
}

func (s *Server) plane() map[string]any {
	return map[string]any{
		"id": ControlPlane, "name": "default", "labels": map[string]string{},
		"config": map[string]any{"cluster_type": s.options.Type, "control_plane_endpoint": "https://9f2a8c1e.eu.cp0.konghq.com", "auth_type": "pinned_client_certs"},
	}
}

// entities passes a request on to the Kong behind, and says its errors as Konnect does.
func (s *Server) entities(w http.ResponseWriter, r *http.Request, path string) {
	kind, rest, _ := strings.Cut(path, "/")
	owner, nested, _ := strings.Cut(rest, "/")
	switch {
	case !slices.Contains([]string{"services", "routes", "consumers", "plugins", "key-auths", "acls"}, kind):
		refuse(w, http.StatusNotFound, "Not Found", "Not found")
		return
	case r.Method == http.MethodPatch: // entities are replaced whole
		said(w, http.StatusMethodNotAllowed, 12, "Method Not Allowed")
		return
	case kind == "consumers" && nested != "" && len(owner) != 36: // below a consumer, names do not do
		said(w, http.StatusNotFound, 5, "Not found")
		return
	case s.options.Type == "CLUSTER_TYPE_CONTROL_PLANE_GROUP" && r.Method != http.MethodGet:
		said(w, http.StatusBadRequest, 9, "control plane groups hold no entities of their own")
		return
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = "/"+strings.ReplaceAll(path, "%2F", "/"), "/"+path
	inner.Header.Del("Authorization")
	recorded := httptest.NewRecorder()
	s.kong.ServeHTTP(recorded, inner)
	if recorded.Code >= http.StatusBadRequest {
		translate(w, recorded)
		return
	}
	maps.Copy(w.Header(), recorded.Header())
	w.WriteHeader(recorded.Code)
	_, _ = w.Write(recorded.Body.Bytes()) // to a caller who may have gone
}

// translate says an error of Kong's in the form that Konnect has.
func translate(w http.ResponseWriter, recorded *httptest.ResponseRecorder) {
	var kong struct {
		Message string         `json:"message"`
		Code    int            `json:"code"`
		Fields  map[string]any `json:"fields"`
	}
	_ = json.NewDecoder(bytes.NewReader(recorded.Body.Bytes())).Decode(&kong) // what it is not has no message
	switch kong.Code {
	case 3, 5:
		var details []any
		for _, field := range slices.Sorted(maps.Keys(kong.Fields)) {
			details = append(details, map[string]any{
				"@type": "type.googleapis.com/kong.admin.model.v1.ErrorDetail", "type": "ERROR_TYPE_REFERENCE", "field": field,
				"messages": []string{fmt.Sprintf("%s (type: unique) constraint failed for value '%v': ", field, kong.Fields[field])},
			})
		}
		said(w, http.StatusBadRequest, 3, "data constraint error", details...)
	case 0:
		said(w, recorded.Code, 5, kong.Message)
	default:
		said(w, http.StatusBadRequest, 3, "validation error", map[string]any{
			"@type": "type.googleapis.com/kong.admin.model.v1.ErrorDetail", "type": "ERROR_TYPE_ENTITY", "messages": []string{kong.Message},
		})
	}
}

func said(w http.ResponseWriter, status, code int, message string, details ...any) {
	if details == nil {
		details = []any{}
	}
	answer(w, status, map[string]any{"code": code, "message": message, "details": details})
}

func refuse(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "title": title, "instance": "kong:trace:1", "detail": detail}) // to a caller who may have gone
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to a caller who may have gone
}
