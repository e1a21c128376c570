package awsfake

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

type apiKey struct {
	Name, Description, Customer, Value string
	Enabled                            bool
	Created                            time.Time
	Tags                               map[string]string // never changed, replaced
}

func (s *Server) keys(c call) *failure {
	if len(c.path) == 1 {
		switch c.r.Method {
		case http.MethodGet:
			return s.listKeys(c)
		case http.MethodPost:
			return s.createKey(c)
		}
		return invalid("Invalid method")
	}
	id := c.path[1]
	k, there := s.state.keys[id]
	if !there {
		return notFound("API Key")
	}
	switch c.r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		delete(s.state.keys, id)
		for plan, p := range s.state.plans {
			p.Keys = slices.DeleteFunc(slices.Clone(p.Keys), func(k string) bool { return k == id })
			s.state.plans[plan] = p
		}
		c.w.WriteHeader(http.StatusAccepted)
		return nil
	case http.MethodPatch:
		if f := c.patch(&k); f != nil {
			return f
		}
		s.state.keys[id] = k
	default:
		return invalid("Invalid method")
	}
	answer(c.w, http.StatusOK, s.showKey(id, c.query.Get("includeValue") == "true"))
	return nil
}

func (s *Server) listKeys(c call) *failure {
	var ids []string
	for id, k := range s.state.keys {
		if customer := c.query.Get("customerId"); customer == "" || customer == k.Customer {
			if strings.HasPrefix(k.Name, c.query.Get("name")) {
				ids = append(ids, id)
			}
		}
	}
	return s.list(c, ids, func(id string) any { return s.showKey(id, c.query.Get("includeValues") == "true") })
}

func (s *Server) createKey(c call) *failure {
	k := apiKey{Name: c.text("name"), Description: c.text("description"), Customer: c.text("customerId"), Value: c.text("value"), Created: s.options.Now(), Tags: map[string]string{}}
	k.Enabled, _ = c.body["enabled"].(bool)
	if k.Value == "" {
		k.Value = rand.Text() + rand.Text()
	}
	if len(k.Value) < 20 || len(k.Value) > 128 {
		return invalid("API Key value should be at least 20 characters and at most 128")
	}
	if len(s.state.keys) >= s.options.Keys {
		return &failure{http.StatusTooManyRequests, "LimitExceededException", "API Key limit exceeded for account"}
	}
	for _, other := range s.state.keys {
		if other.Value == k.Value {
			return &failure{http.StatusConflict, "ConflictException", "API Key already exists"}
		}
	}
	id := newID()
	s.state.keys[id] = k
	answer(c.w, http.StatusCreated, s.showKey(id, true))
	return nil
}

// patch applies the operations that a key knows.
func (c call) patch(k *apiKey) *failure {
	operations, _ := c.body["patchOperations"].([]any)
	for _, one := range operations {
		o, _ := one.(map[string]any)
		value, _ := o["value"].(string)
		if o["op"] != "replace" {
			return invalid("Invalid patch operation specified. Must be one of: [replace]")
		}
		switch o["path"] {
		case "/enabled":
			k.Enabled = value == "true"
		case "/description":
			k.Description = value
		case "/name":
			k.Name = value
		default:
			return invalid("Invalid patch path specified")
		}
	}
	return nil
}

func (s *Server) showKey(id string, withValue bool) any {
	k := s.state.keys[id]
	shown := map[string]any{"id": id, "name": k.Name, "description": k.Description, "enabled": k.Enabled, "createdDate": float64(k.Created.UnixMilli()) / 1000, "lastUpdatedDate": k.Created.Unix(), "stageKeys": []any{}, "tags": k.Tags}
	if k.Customer != "" {
		shown["customerId"] = k.Customer
	}
	if withValue {
		shown["value"] = k.Value
	}
	return shown
}

func (s *Server) tags(c call) *failure {
	if len(c.path) != 2 {
		return invalid("Invalid ARN specified in the request")
	}
	id, ours := strings.CutPrefix(c.path[1], "arn:aws:apigateway:"+Region+"::/apikeys/")
	k, there := s.state.keys[id]
	if !ours || !there {
		return notFound("Resource")
	}
	tags := maps.Clone(k.Tags)
	switch c.r.Method {
	case http.MethodPut:
		given, _ := c.body["tags"].(map[string]any)
		for name, value := range given {
			tags[name], _ = value.(string)
		}
	case http.MethodDelete:
		for _, name := range c.query["tagKeys"] {
			delete(tags, name)
		}
	}
	if len(tags) > 50 {
		return &failure{http.StatusTooManyRequests, "LimitExceededException", "Tag limit exceeded for resource"}
	}
	k.Tags = tags
	s.state.keys[id] = k
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// Create makes an enabled key of a customer in a plan, as somebody with a script would, and answers its id and value.
func (s *Server) Create(customer, plan string) (id, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, value = newID(), rand.Text()
	s.state.keys[id] = apiKey{Name: "by-hand", Customer: customer, Value: value, Enabled: true, Created: s.options.Now()}
	p := s.state.plans[plan]
	p.Keys = append(slices.Clone(p.Keys), id)
	s.state.plans[plan] = p
	s.seen.Put(s.options.Now(), s.state.clone())
	return id, value
}
