package apigeefake

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

type product struct {
	DisplayName, Description string
	Manual                   bool
	Environments, Proxies    []string
	Operations               bool // the proxies are told as an operation group
	Quota                    int64
	Unit                     string
}

func sample() state {
	both := []string{"orders", "stock"}
	return state{
		developers: map[string]bool{},
		apps:       map[appID]app{},
		products: map[string]product{
			"basic":   {DisplayName: "Basic", Description: "1000 requests a day", Environments: []string{"prod"}, Proxies: []string{"orders"}, Quota: 1000, Unit: "day"},
			"gold":    {DisplayName: "Gold", Environments: []string{"prod"}, Proxies: both, Operations: true, Quota: 1000, Unit: "minute"},
			"partner": {DisplayName: "Partner", Manual: true},
			"open":    {DisplayName: "Open", Environments: []string{"test"}, Proxies: both},
		},
	}
}

func (p product) has(proxy string) bool {
	return len(p.Proxies) == 0 || slices.Contains(p.Proxies, proxy)
}

func (p product) limits() []driver.Limit {
	switch p.Unit {
	case "minute":
		return []driver.Limit{{Requests: p.Quota, Window: time.Minute}}
	case "day":
		return []driver.Limit{{Requests: p.Quota, Window: 24 * time.Hour}}
	}
	return nil
}

func (s *Server) products(c call) *failure {
	switch {
	case c.is(http.MethodGet, 1):
		return s.list(c, "apiProduct", slices.Collect(maps.Keys(s.state.products)), s.showProduct)
	case c.is(http.MethodGet, 2):
		if _, there := s.state.products[c.path[1]]; there {
			answer(c.w, http.StatusOK, s.showProduct(c.path[1]))
			return nil
		}
	}
	return notFound("ApiProduct %q not found", c.path[len(c.path)-1])
}

func (s *Server) showProduct(name string) any {
	p := s.state.products[name]
	shown := map[string]any{"name": name, "displayName": p.DisplayName, "approvalType": "auto", "attributes": []any{map[string]string{"name": "access", "value": "public"}}}
	if p.Manual {
		shown["approvalType"] = "manual"
	}
	if p.Description != "" {
		shown["description"] = p.Description
	}
	if p.Environments != nil {
		shown["environments"] = p.Environments
	}
	if p.Quota > 0 {
		shown["quota"], shown["quotaInterval"], shown["quotaTimeUnit"] = strconv.FormatInt(p.Quota, 10), "1", p.Unit
	}
	configs := []any{}
	for _, proxy := range p.Proxies {
		configs = append(configs, map[string]any{"apiSource": proxy, "operations": []any{map[string]any{"resource": "/**"}}})
	}
	switch {
	case p.Operations:
		shown["operationGroup"] = map[string]any{"operationConfigs": configs, "operationConfigType": "proxy"}
	case p.Proxies != nil:
		shown["proxies"] = p.Proxies
	}
	return shown
}

var proxies = []string{"orders", "stock"}

func (s *Server) proxies(c call) *failure {
	if c.is(http.MethodGet, 1) {
		list := []any{}
		for _, name := range proxies {
			list = append(list, map[string]any{"name": name, "apiProxyType": "PROGRAMMABLE"})
		}
		answer(c.w, http.StatusOK, map[string]any{"proxies": list})
		return nil
	}
	if c.r.Method != http.MethodGet || !slices.Contains(proxies, c.path[1]) {
		return notFound("ApiProxy %q not found", c.path[1])
	}
	switch {
	case len(c.path) == 2:
		answer(c.w, http.StatusOK, map[string]any{"name": c.path[1], "revision": []string{"1", "2", "3"}, "latestRevisionId": "3"})
	case c.path[2] == "deployments":
		answer(c.w, http.StatusOK, map[string]any{"deployments": []any{
			map[string]any{"environment": "test", "apiProxy": c.path[1], "revision": "3"}, map[string]any{"environment": "prod", "apiProxy": c.path[1], "revision": "2"},
		}})
	case c.path[2] == "revisions" && len(c.path) == 4 && c.path[3] == "2":
		answer(c.w, http.StatusOK, map[string]any{"name": c.path[1], "revision": "2", "basepaths": []string{"/" + c.path[1]}})
	case c.path[2] == "revisions" && len(c.path) == 4:
		answer(c.w, http.StatusOK, map[string]any{"name": c.path[1], "revision": c.path[3], "basepaths": []string{"/beta/" + c.path[1]}})
	default:
		return notFound("no route")
	}
	return nil
}
