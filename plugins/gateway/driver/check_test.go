package driver

import (
	"errors"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
)

func TestPublication_IsCheckedBeforeAnyGatewayIsAsked(t *testing.T) {
	right := Publication{ID: "stock", Upstream: "https://stock.internal/v1", Paths: []string{"/stock"}}
	for upstream, host := range map[string]string{"https://stock.internal/v1": "stock.internal:443", "http://stock": "stock:80", "http://[::1]:99": "[::1]:99"} {
		right.Upstream = upstream
		if u, err := right.Check(); err != nil || u.Host != host {
			t.Errorf("%s: %v %v", upstream, u, err)
		}
	}
	for name, change := range map[string]func(*Publication){
		"no id": func(p *Publication) { p.ID = "" }, "a path for an id": func(p *Publication) { p.ID = "a/b" }, "an id of dots": func(p *Publication) { p.ID = ".." },
		"no scheme": func(p *Publication) { p.Upstream = "stock.internal" }, "a user": func(p *Publication) { p.Upstream = "http://u:p@stock" },
		"a query": func(p *Publication) { p.Upstream = "http://stock?a=b" }, "another scheme": func(p *Publication) { p.Upstream = "ftp://stock" },
		"a port": func(p *Publication) { p.Upstream = "http://stock:99999" }, "no host": func(p *Publication) { p.Upstream = "http://:80" },
		"no path": func(p *Publication) { p.Paths = nil }, "a relative path": func(p *Publication) { p.Paths = []string{"stock"} },
		"a wildcard": func(p *Publication) { p.Paths = []string{"/stock/*"} },
	} {
		p := right
		change(&p)
		if _, err := p.Check(); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyRequest_IsCheckedBeforeAnyGatewayIsAsked(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	right := KeyRequest{App: "shop", Operation: "6d1f0c52-0000-4000-8000-000000000000", Expires: now.Add(time.Second)}
	if err := right.Check(now); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*KeyRequest){
		"no application": func(r *KeyRequest) { r.App = "" }, "no operation": func(r *KeyRequest) { r.Operation = "" },
		"a path for an operation": func(r *KeyRequest) { r.Operation = "../6d1f0c52-0000-4000-8000-00000000" }, "an end in the past": func(r *KeyRequest) { r.Expires = now },
	} {
		r := right
		change(&r)
		if err := r.Check(now); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
