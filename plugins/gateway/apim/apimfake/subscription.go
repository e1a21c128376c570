package apimfake

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

type sub struct {
	Owner, Scope, DisplayName, State string
	Created                          time.Time
	Expires                          string
	Primary, Secondary               string
	ETag                             string
}

const (
	stateActive    = "active"
	stateSubmitted = "submitted"
)

var states = []string{stateActive, stateSubmitted, "suspended", "cancelled", "rejected", "expired"}

func newKey() string { return strings.ToLower(rand.Text() + rand.Text())[:32] }

func (s *Server) subscription(c call, path []string) *failure {
	if len(path) == 0 {
		return s.listSubscriptions(c, func(sub) bool { return true })
	}
	id := path[0]
	if !idPattern.MatchString(id) {
		return invalid("Identifier of the subscription is not valid.")
	}
	one, there := s.state.subs[id]
	if len(path) == 1 && c.r.Method == http.MethodPut {
		return s.putSubscription(c, id)
	}
	if !there {
		if c.r.Method == http.MethodDelete {
			c.w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return notFound("Subscription")
	}
	if len(path) == 2 && c.r.Method == http.MethodPost {
		return s.secrets(c, id, one, path[1])
	}
	return s.oneSubscription(c, id, one)
}

func (s *Server) oneSubscription(c call, id string, one sub) *failure {
	switch c.r.Method {
	case http.MethodPatch, http.MethodDelete:
		if f := c.ifMatch(one.ETag); f != nil {
			return f
		}
	}
	switch c.r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		delete(s.state.subs, id)
		c.w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodPatch:
		if f := s.apply(c, &one); f != nil {
			return f
		}
		s.state.subs[id] = one
	default:
		return &failure{http.StatusMethodNotAllowed, "MethodNotAllowed", "Method is not allowed."}
	}
	c.w.Header().Set("ETag", one.ETag)
	answer(c.w, http.StatusOK, s.showSubscription(c, id))
	return nil
}

func (s *Server) putSubscription(c call, id string) *failure {
	if old, there := s.state.subs[id]; there {
		if f := c.ifMatch(old.ETag); f != nil {
			return f
		}
	}
	one := sub{Created: s.options.Now().UTC().Truncate(time.Millisecond), Primary: newKey(), Secondary: newKey()}
	if c.property("scope") == "" || c.property("displayName") == "" {
		return invalid("Scope and display name of the subscription must be given.")
	}
	if f := s.apply(c, &one); f != nil {
		return f
	}
	if one.State == "" {
		one.State = stateActive
		if product, ok := strings.CutPrefix(one.Scope, "/products/"); ok && s.state.products[product].Approval {
			one.State = stateSubmitted
		}
	}
	s.state.subs[id] = one
	c.w.Header().Set("ETag", one.ETag)
	answer(c.w, http.StatusCreated, s.showSubscription(c, id))
	return nil
}

// apply changes a subscription as a request says, if that is valid.
func (s *Server) apply(c call, one *sub) *failure {
	for name, field := range map[string]*string{"displayName": &one.DisplayName, "state": &one.State, "primaryKey": &one.Primary, "secondaryKey": &one.Secondary, "expirationDate": &one.Expires} {
		if v := c.property(name); v != "" {
			*field = v
		}
	}
	if v := c.property("ownerId"); v != "" {
		_, id, _ := strings.Cut(v, "/users/")
		if _, there := s.state.users[id]; !there {
			return invalid("User with id %s does not exist.", id)
		}
		one.Owner = id
	}
	if v := c.property("scope"); v != "" {
		if f := s.scope(v, one); f != nil {
			return f
		}
	}
	switch {
	case len([]rune(one.DisplayName)) > 100:
		return invalid("Display name of the subscription must have at most 100 characters.")
	case one.State != "" && !slices.Contains(states, one.State):
		return invalid("State %s of the subscription is not valid.", one.State)
	case len(one.Primary) > 256 || len(one.Secondary) > 256:
		return invalid("Keys must have at most 256 characters.")
	}
	for _, other := range s.state.subs {
		if other.Primary == one.Primary && other.ETag != one.ETag {
			return invalid("Subscription with such a key exists already.")
		}
	}
	one.ETag = s.etag()
	return nil
}

func (s *Server) scope(v string, one *sub) *failure {
	if i := strings.LastIndex(v, "/service/"+Service); i >= 0 {
		v = v[i+len("/service/"+Service):]
	}
	product, isProduct := strings.CutPrefix(v, "/products/")
	api, isAPI := strings.CutPrefix(v, "/apis/")
	_, known := s.state.products[product]
	_, served := s.state.apis[api]
	if isThere := isProduct && known || isAPI && served || v == "/apis"; !isThere {
		return invalid("Scope %s of the subscription does not exist.", v)
	}
	one.Scope = v
	return nil
}

func (s *Server) secrets(c call, id string, one sub, what string) *failure {
	switch what {
	case "listSecrets":
		answer(c.w, http.StatusOK, map[string]string{"primaryKey": one.Primary, "secondaryKey": one.Secondary})
		return nil
	case "regeneratePrimaryKey":
		one.Primary = newKey()
	case "regenerateSecondaryKey":
		one.Secondary = newKey()
	default:
		return notFound("Action")
	}
	one.ETag = s.etag()
	s.state.subs[id] = one
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) listSubscriptions(c call, wanted func(sub) bool) *failure {
	names := slices.Collect(maps.Keys(s.state.subs))
	names = slices.DeleteFunc(names, func(n string) bool { return !wanted(s.state.subs[n]) })
	return s.list(c, names, func(n string) any { return s.showSubscription(c, n) })
}

// showSubscription has no keys: since 2019 they are told by listSecrets only.
func (s *Server) showSubscription(c call, id string) any {
	one := s.state.subs[id]
	properties := map[string]any{"scope": armID(c.r, one.Scope), "displayName": one.DisplayName, "state": one.State, "createdDate": one.Created, "stateComment": nil, "allowTracing": false}
	if one.Owner != "" {
		properties["ownerId"] = armID(c.r, "/users/"+one.Owner)
	}
	if one.Expires != "" {
		properties["expirationDate"] = one.Expires
	}
	return map[string]any{"id": armID(c.r, "/subscriptions/"+id), "type": "Microsoft.ApiManagement/service/subscriptions", "name": id, "properties": properties}
}

// Subscribe makes a subscription of a user to a product as somebody with the console would, and answers its name and key.
func (s *Server) Subscribe(userID, product string) (id, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, key = strings.ToLower(rand.Text()), newKey()
	s.state.subs[id] = sub{Owner: userID, Scope: "/products/" + product, DisplayName: "by hand", State: stateActive, Created: s.options.Now(), Primary: key, Secondary: newKey(), ETag: s.etag()}
	s.seen.Put(s.options.Now(), s.state.clone())
	return id, key
}

// SetState changes the state of a subscription as somebody with the console would.
func (s *Server) SetState(id, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.state.subs[id]
	one.State, one.ETag = state, s.etag()
	s.state.subs[id] = one
	s.seen.Put(s.options.Now(), s.state.clone())
}
