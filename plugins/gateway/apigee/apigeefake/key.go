package apigeefake

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

type key struct {
	Key, Secret, Status string
	Issued, Expires     time.Time // zero = never
	Attributes          []any
	Products            []grant
}

type grant struct{ Name, Status string }

func (k key) show() any {
	products := []any{}
	for _, p := range k.Products {
		products = append(products, map[string]string{"apiproduct": p.Name, "status": p.Status})
	}
	expires := "-1"
	if !k.Expires.IsZero() {
		expires = milliseconds(k.Expires)
	}
	return map[string]any{
		"consumerKey": k.Key, "consumerSecret": k.Secret, "status": k.Status, "issuedAt": milliseconds(k.Issued), "expiresAt": expires,
		"attributes": k.Attributes, "apiProducts": products,
	}
}

// keys answers what is below an app's keys.
func (s *Server) keys(c call, id appID, a app) *failure {
	if c.is(http.MethodPost, 5) {
		return s.createKey(c, id, a)
	}
	if len(c.path) < 6 {
		return notFound("no route")
	}
	i := slices.IndexFunc(a.Keys, func(k key) bool { return k.Key == c.path[5] })
	if i < 0 {
		return notFound("Consumer key %q not found", c.path[5])
	}
	k := a.Keys[i]
	switch {
	case c.is(http.MethodGet, 6):
	case c.is(http.MethodDelete, 6):
		a.Keys = slices.Delete(slices.Clone(a.Keys), i, i+1)
		s.state.apps[id] = a
		answer(c.w, http.StatusOK, k.show())
		return nil
	case c.is(http.MethodPost, 6) && c.r.URL.Query().Get("action") != "":
		if c.r.Header.Get("Content-Type") != "application/octet-stream" {
			return invalid("an action needs Content-Type application/octet-stream")
		}
		a.Keys[i].Status = statusOf(c.r.URL.Query().Get("action"))
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	case c.is(http.MethodPost, 6):
		if f := s.updateKey(c, &k); f != nil {
			return f
		}
	case len(c.path) == 8 && c.path[6] == "apiproducts":
		if f := c.keyProduct(&k); f != nil {
			return f
		}
	default:
		return notFound("no route")
	}
	a.Keys[i] = k
	answer(c.w, http.StatusOK, k.show())
	return nil
}

func (s *Server) createKey(c call, id appID, a app) *failure {
	k := key{Key: c.text("consumerKey"), Secret: c.text("consumerSecret"), Status: approved, Issued: s.options.Now()}
	if k.Key == "" || k.Secret == "" {
		return invalid("consumerKey and consumerSecret are required")
	}
	for _, other := range s.state.apps {
		if slices.ContainsFunc(other.Keys, func(o key) bool { return o.Key == k.Key }) {
			return exists("Consumer key " + k.Key)
		}
	}
	if text := c.text("expiresInSeconds"); text != "" && text != "-1" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds < 1 {
			return invalid("expiresInSeconds must be a positive number")
		}
		k.Expires = k.Issued.Add(time.Duration(seconds) * time.Second)
	}
	k.Attributes, _ = c.body["attributes"].([]any)
	a.Keys = append(slices.Clone(a.Keys), k)
	s.state.apps[id] = a
	answer(c.w, http.StatusCreated, k.show())
	return nil
}

// updateKey adds products, and replaces the attributes by those that are given.
func (s *Server) updateKey(c call, k *key) *failure {
	names, _ := c.body["apiProducts"].([]any)
	k.Products = slices.Clone(k.Products)
	for _, one := range names {
		name, _ := one.(string)
		p, there := s.state.products[name]
		if !there {
			return notFound("ApiProduct %q not found", name)
		}
		status := approved
		if p.Manual {
			status = pending
		}
		if !slices.ContainsFunc(k.Products, func(g grant) bool { return g.Name == name }) {
			k.Products = append(k.Products, grant{name, status})
		}
	}
	k.Attributes, _ = c.body["attributes"].([]any)
	return nil
}

// keyProduct approves, revokes or takes away a product of a key.
func (c call) keyProduct(k *key) *failure {
	i := slices.IndexFunc(k.Products, func(g grant) bool { return g.Name == c.path[7] })
	if i < 0 {
		return notFound("ApiProduct %q not found in the key", c.path[7])
	}
	k.Products = slices.Clone(k.Products)
	switch c.r.Method {
	case http.MethodDelete:
		k.Products = slices.Delete(k.Products, i, i+1)
	case http.MethodPost:
		k.Products[i].Status = statusOf(c.r.URL.Query().Get("action"))
	}
	return nil
}
