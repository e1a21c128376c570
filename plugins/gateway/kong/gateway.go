package kong

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// gateway is Kong Gateway with its own Admin API.
func gateway(o Options) Edition {
	return Edition{Authorize: authorize(o), Explain: explain(o.Name, credentials(o)), Check: checkStatus, Node: func(ctx context.Context, c *rest.Client) (*Node, error) {
		return readNode(ctx, c, o.Declarative)
	}}
}

// noDatabase is why a Kong without a database does not do what needs writes.
const noDatabase = "it runs without a database, where keys can only be made by changing the declarative configuration of each node; allow that in the settings"

// Client calls the Admin API at the address of the options, with their credentials.
func Client(o Options) *rest.Client { return client(o, gateway(o), o.URL) }

func client(o Options, e Edition, address string) *rest.Client {
	return &rest.Client{
		HTTP: o.HTTP, Base: address, Name: "Kong " + o.Name, Authorize: e.Authorize, Explain: e.Explain, Secrets: []sdk.Secret{o.Token, o.Value},
	}
}

// credentials are what the plugin shows, without their values.
func credentials(o Options) string {
	switch {
	case o.Token != "" && o.Header != "":
		return "the token in Kong-Admin-Token or the value of header " + o.Header
	case o.Token != "":
		return "the token in Kong-Admin-Token"
	case o.Header != "":
		return "the value of header " + o.Header
	}
	return "a request without a token"
}

func authorize(o Options) func(*http.Request) error {
	return func(r *http.Request) error {
		if o.Token != "" {
			r.Header.Set("Kong-Admin-Token", o.Token.Reveal())
		}
		if o.Header != "" {
			r.Header.Set(o.Header, o.Value.Reveal())
		}
		return nil
	}
}

func readNode(ctx context.Context, c *rest.Client, declarative bool) (*Node, error) {
	var told struct {
		Version string `json:"version"`
		Plugins struct {
			Available map[string]any `json:"available_on_server"`
		} `json:"plugins"`
		Configuration struct {
			Database string `json:"database"`
			Role     string `json:"role"`
		} `json:"configuration"`
	}
	if err := c.Do(ctx, http.MethodGet, "/", nil, nil, &told); err != nil {
		return nil, err
	}
	if told.Version == "" || told.Configuration.Database == "" {
		return nil, apierror.Newf(apierror.ServiceUnavailable, "%s answers, but not as Kong's Admin API does; check its address", c.Name)
	}
	dbless := told.Configuration.Database == "off"
	n := &Node{Declarative: dbless, Plugins: map[string]bool{}}
	if dbless && !declarative {
		n.ReadOnly = noDatabase
	}
	// Data planes in hybrid mode were not told when keys end before 3.5.
	n.EndsKeys = !dbless && (told.Configuration.Role != "control_plane" || since(told.Version, 3, 5))
	for name := range told.Plugins.Available {
		n.Plugins[name] = true
	}
	return n, nil
}

// since reports whether a version such as 3.9.0.1-enterprise is that old or newer.
func since(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, err1 := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (a > major || a == major && b >= minor)
}

func checkStatus(ctx context.Context, c *rest.Client) error {
	var status struct {
		Database struct {
			Reachable bool `json:"reachable"`
		} `json:"database"`
	}
	if err := c.Do(ctx, http.MethodGet, "/status", nil, nil, &status); err != nil {
		return err
	}
	if !status.Database.Reachable {
		return apierror.Newf(apierror.ServiceUnavailable, "%s does not reach its database", c.Name)
	}
	return nil
}
