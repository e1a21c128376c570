package apigeefake

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// appID is an app of a developer.
type appID struct{ developer, name string }

type app struct {
	ID, Status string
	Attributes []any
	Created    time.Time
	Keys       []key
}

const (
	approved = "approved"
	revoked  = "revoked"
	pending  = "pending"
)

func (s *Server) developers(c call) *failure {
	switch {
	case c.is(http.MethodPost, 1):
		email := c.text("email")
		if !strings.Contains(email, "@") || c.text("firstName") == "" || c.text("lastName") == "" || c.text("userName") == "" {
			return invalid("email, firstName, lastName and userName are required")
		}
		if s.state.developers[email] {
			return exists("developer " + email)
		}
		s.state.developers[email] = true
		answer(c.w, http.StatusCreated, map[string]any{"email": email})
	case c.is(http.MethodGet, 2) && s.state.developers[c.path[1]]:
		answer(c.w, http.StatusOK, map[string]any{"email": c.path[1], "status": "active"})
	default:
		return notFound("Developer with email or id %q not found", c.path[len(c.path)-1])
	}
	return nil
}

// apps answers what is below developers/<developer>/apps.
func (s *Server) apps(c call) *failure {
	developer := c.path[1]
	if !s.state.developers[developer] {
		return notFound("Developer with email or id %q not found", developer)
	}
	switch {
	case c.is(http.MethodGet, 3):
		return invalid("the fake lists no apps of a developer: Apigee does not expand them page by page")
	case c.is(http.MethodPost, 3):
		return s.createApp(c, developer)
	case len(c.path) < 4:
		return notFound("no route")
	}
	id := appID{developer, c.path[3]}
	a, there := s.state.apps[id]
	switch {
	case !there:
		return notFound("App with name %q not found", id.name)
	case c.is(http.MethodGet, 4):
	case c.is(http.MethodPost, 4) && c.r.URL.Query().Get("action") != "":
		a.Status = statusOf(c.r.URL.Query().Get("action"))
	case c.is(http.MethodPost, 5) && c.path[4] == "attributes":
		list, _ := c.body["attribute"].([]any)
		if len(list) > 18 {
			return invalid("the number of custom attributes exceeds 18")
		}
		a.Attributes = list
		s.state.apps[id] = a
		answer(c.w, http.StatusOK, map[string]any{"attribute": list})
		return nil
	case len(c.path) >= 5 && c.path[4] == "keys":
		return s.keys(c, id, a)
	default:
		return notFound("no route")
	}
	s.state.apps[id] = a
	answer(c.w, http.StatusOK, s.showApp(id))
	return nil
}

// everyApp lists the apps of the organization by their ids.
func (s *Server) everyApp(c call) *failure {
	if c.r.URL.Query().Get("includeCred") != "true" {
		return invalid("the fake lists apps with includeCred=true only")
	}
	names := map[string]appID{}
	for id, a := range s.state.apps {
		names[a.ID] = id
	}
	return s.list(c, "app", slices.Collect(maps.Keys(names)), func(n string) any { return s.showApp(names[n]) })
}

func (s *Server) createApp(c call, developer string) *failure {
	id := appID{developer, c.text("name")}
	if id.name == "" {
		return invalid("name is required")
	}
	if _, there := s.state.apps[id]; there {
		return exists("App " + id.name)
	}
	attributes, _ := c.body["attributes"].([]any)
	s.state.apps[id] = app{
		ID: rand.Text(), Status: approved, Attributes: attributes, Created: s.options.Now(),
		Keys: []key{{Key: rand.Text() + rand.Text(), Status: approved, Issued: s.options.Now()}},
	}
	answer(c.w, http.StatusOK, s.showApp(id))
	return nil
}

func (s *Server) showApp(id appID) any {
	a := s.state.apps[id]
	credentials := []any{}
	for _, k := range a.Keys {
		credentials = append(credentials, k.show())
	}
	return map[string]any{
		"appId": a.ID, "name": id.name, "status": a.Status, "attributes": a.Attributes, "createdAt": milliseconds(a.Created), "developerId": "d-" + id.developer,
		"credentials": credentials, "appFamily": "default",
	}
}

func statusOf(action string) string {
	if action == "approve" {
		return approved
	}
	return revoked
}

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// Create makes a key of an app for a product as somebody with the console would.
func (s *Server) Create(developer, name, product string) (consumerKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := appID{developer, name}
	a := s.state.apps[id]
	k := key{Key: rand.Text(), Status: approved, Issued: s.options.Now(), Products: []grant{{product, approved}}}
	a.Keys = append(slices.Clone(a.Keys), k)
	s.state.apps[id] = a
	s.seen.Put(s.options.Now(), s.state.clone())
	return k.Key
}

// SetStatus changes a status as somebody with the console would: that of an app, of one of its keys, or of a product of that.
func (s *Server) SetStatus(developer, name, consumerKey, product, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := appID{developer, name}
	a := s.state.apps[id]
	if consumerKey == "" {
		a.Status = status
	}
	for i, k := range a.Keys {
		if k.Key == consumerKey && product == "" {
			a.Keys[i].Status = status
		}
		for j, p := range k.Products {
			if k.Key == consumerKey && p.Name == product {
				a.Keys[i].Products[j].Status = status
			}
		}
	}
	s.state.apps[id] = a
	s.seen.Put(s.options.Now(), s.state.clone())
}
