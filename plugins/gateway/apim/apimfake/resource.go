package apimfake

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

// state is what the service knows; the gateway sees copies of it.
type state struct {
	users    map[string]user
	products map[string]product
	apis     map[string]api
	subs     map[string]sub
}

func (s state) clone() state {
	return state{maps.Clone(s.users), maps.Clone(s.products), maps.Clone(s.apis), maps.Clone(s.subs)}
}

type user struct {
	properties map[string]any // never changed, replaced
	etag       string
}

type product struct {
	DisplayName, Description, State string
	Approval                        bool
	Limits                          []driver.Limit
	APIs                            []string
	ETag                            string
}

type api struct{ DisplayName, Path, Header string }

func sample() state {
	minute := func(n int64) []driver.Limit { return []driver.Limit{{Requests: n, Window: time.Minute}} }
	return state{
		users: map[string]user{"1": {map[string]any{"firstName": "Administrator", "state": "active"}, `"1"`}},
		apis:  map[string]api{"orders": {"Orders", "orders", ""}, "stock": {"Stock", "stock/v1", "X-Stock-Key"}, "orders;rev=2": {"Orders", "orders;rev=2", ""}},
		products: map[string]product{
			"starter": {DisplayName: "Starter", Description: "50 calls a minute", State: "published", Limits: minute(50), APIs: []string{"orders"}, ETag: `"1"`},
			"gold":    {DisplayName: "Gold", State: "published", Limits: append(minute(1000), driver.Limit{Requests: 100000, Window: 24 * time.Hour}), APIs: []string{"orders", "stock"}, ETag: `"1"`},
			"partner": {DisplayName: "Partner", State: "published", Approval: true, APIs: []string{"orders", "stock"}, ETag: `"1"`},
		},
		subs: map[string]sub{"master": {Scope: "/", State: stateActive, Primary: newKey(), Secondary: newKey(), ETag: `"1"`}},
	}
}

func (s *Server) route(c call) *failure {
	method, first, rest := c.r.Method, c.path[0], c.path[1:]
	switch {
	case first == "" && method == http.MethodGet:
		answer(c.w, http.StatusOK, map[string]any{"name": Service, "properties": map[string]any{"provisioningState": "Succeeded", "gatewayUrl": "https://contoso.azure-api.example"}})
		return nil
	case first == "users":
		return s.user(c, rest)
	case first == "products":
		return s.product(c, rest)
	case first == "apis" && method == http.MethodGet && len(rest) == 0:
		return s.list(c, slices.Collect(maps.Keys(s.state.apis)), func(n string) any { return s.showAPI(c, n) })
	case first == "apis" && method == http.MethodGet && len(rest) == 1:
		if _, there := s.state.apis[rest[0]]; !there {
			return notFound("API")
		}
		answer(c.w, http.StatusOK, s.showAPI(c, rest[0]))
		return nil
	case first == "subscriptions":
		return s.subscription(c, rest)
	}
	return &failure{http.StatusNotFound, "InvalidRequest", "No route is there."}
}

func (s *Server) showAPI(c call, id string) any {
	a := s.state.apis[id]
	properties := map[string]any{"displayName": a.DisplayName, "path": a.Path, "isCurrent": !strings.Contains(id, ";rev="), "subscriptionRequired": true}
	if a.Header != "" {
		properties["subscriptionKeyParameterNames"] = map[string]any{"header": a.Header, "query": "subscription-key"}
	}
	return map[string]any{"id": armID(c.r, "/apis/"+id), "name": id, "properties": properties}
}

var idPattern = regexp.MustCompile(`^[^*#&+:<>?]{1,256}$`)

func (s *Server) user(c call, path []string) *failure {
	if len(path) == 0 || !idPattern.MatchString(path[0]) {
		return invalid("Identifier of the user is not valid.")
	}
	id := path[0]
	u, there := s.state.users[id]
	switch {
	case len(path) == 2 && path[1] == "subscriptions" && there:
		return s.listSubscriptions(c, func(one sub) bool { return one.Owner == id })
	case len(path) == 1 && c.r.Method == http.MethodPut && !there:
		properties, _ := c.body["properties"].(map[string]any)
		for _, other := range s.state.users {
			if other.properties["email"] == properties["email"] {
				return invalid("User with such email already exists.")
			}
		}
		if c.property("firstName") == "" || c.property("lastName") == "" || !strings.Contains(c.property("email"), "@") {
			return invalid("First name, last name and email must be given.")
		}
		u = user{properties, s.etag()}
	case len(path) == 1 && c.r.Method == http.MethodPut:
		return c.ifMatch(u.etag)
	case !there:
		return notFound("User")
	case len(path) == 1 && c.r.Method == http.MethodPatch:
		if f := c.ifMatch(u.etag); f != nil {
			return f
		}
		changed, _ := c.body["properties"].(map[string]any)
		merged := maps.Clone(u.properties)
		maps.Copy(merged, changed)
		u = user{merged, s.etag()}
	}
	s.state.users[id] = u
	c.w.Header().Set("ETag", u.etag)
	answer(c.w, http.StatusOK, map[string]any{"id": armID(c.r, "/users/"+id), "name": id, "properties": u.properties})
	return nil
}

func (s *Server) product(c call, path []string) *failure {
	if len(path) == 0 {
		return s.list(c, slices.Collect(maps.Keys(s.state.products)), func(n string) any { return s.showProduct(c, n) })
	}
	id := path[0]
	p, there := s.state.products[id]
	switch {
	case len(path) == 1 && c.r.Method == http.MethodPut:
		return s.putProduct(c, id)
	case !there:
		return notFound("Product")
	case len(path) == 1:
		c.w.Header().Set("ETag", p.ETag)
		answer(c.w, http.StatusOK, s.showProduct(c, id))
		return nil
	case path[1] == "apis":
		return s.list(c, slices.Clone(p.APIs), func(n string) any { return s.showAPI(c, n) })
	case strings.Join(path[1:], "/") == "policies/policy" && p.Limits != nil:
		answer(c.w, http.StatusOK, map[string]any{"name": "policy", "properties": map[string]any{"format": c.r.URL.Query().Get("format"), "value": policy(p.Limits)}})
		return nil
	}
	return notFound("Policy")
}

// policy has an expression in it, as policies do: it is no XML by the letter.
func policy(limits []driver.Limit) string {
	var b strings.Builder
	b.WriteString("<policies>\n\t<inbound>\n\t\t<base />\n")
	for _, l := range limits {
		element := "rate-limit"
		if l.Window > time.Hour {
			element = "quota"
		}
		fmt.Fprintf(&b, "\t\t<%s calls=\"%d\" renewal-period=\"%d\" />\n", element, l.Requests, int(l.Window/time.Second))
	}
	b.WriteString("\t\t<set-header name=\"X-Age\" exists-action=\"override\"><value>@(context.Request.Headers.Count < 3 && true ? \"a\" : \"b\")</value></set-header>\n\t</inbound>\n</policies>")
	return b.String()
}

func (s *Server) putProduct(c call, id string) *failure {
	p, there := s.state.products[id]
	if there {
		if f := c.ifMatch(p.ETag); f != nil {
			return f
		}
	}
	properties, _ := c.body["properties"].(map[string]any)
	approval, _ := properties["approvalRequired"].(bool)
	if c.property("displayName") == "" {
		return invalid("Display name of the product must be given.")
	}
	s.state.products[id] = product{DisplayName: c.property("displayName"), Description: c.property("description"), State: c.property("state"), Approval: approval, Limits: p.Limits, APIs: p.APIs, ETag: s.etag()}
	answer(c.w, http.StatusCreated, s.showProduct(c, id))
	return nil
}

func (s *Server) showProduct(c call, id string) any {
	p := s.state.products[id]
	return map[string]any{"id": armID(c.r, "/products/"+id), "name": id, "properties": map[string]any{
		"displayName": p.DisplayName, "description": p.Description, "state": p.State, "subscriptionRequired": true, "approvalRequired": p.Approval,
	}}
}
