package apigee

import (
	"context"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/bearer"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options of a [Driver]. The service account needs the roles "Apigee Developer Admin" and "Apigee Read-only Admin".
type Options struct {
	Name string // what errors call the gateway
	HTTP *http.Client

	URL          string // of the Apigee API; "" = https://apigee.googleapis.com
	Organization string
	// Environment that counts where a proxy is deployed in several, and that products must be for; "" = any.
	Environment string

	// ServiceAccount is the account's key as Google Cloud has it: JSON. Token is an access token instead, which somebody else
	// renews.
	ServiceAccount, Token sdk.Secret
	TokenURL              string // "" = as the service account's key says

	// Developer is the address of the developer whose apps the portal's applications are; "" = portal@callboard.invalid.
	Developer string

	// GatewayURL is where callers reach the proxies, such as https://api.example.com; "" = not known.
	GatewayURL string
	// KeyHeader and KeyQuery say where proxies look for keys; both "" = in the header x-apikey.
	KeyHeader, KeyQuery string

	Now func() time.Time
}

// Driver is one organization.
type Driver struct {
	options Options
	client  rest.Client
	tokens  *bearer.Source // nil = the token of the options
}

// New makes a driver; nothing is asked before the first call.
func New(o Options) (*Driver, error) {
	switch {
	case o.Organization == "":
		return nil, apierror.Inputf("%s: organization must be set", o.Name)
	case (o.ServiceAccount == "") == (o.Token == ""):
		return nil, apierror.Inputf("%s: one of serviceAccount and token must be set", o.Name)
	}
	o.URL = orElse(o.URL, "https://apigee.googleapis.com")
	o.Developer = orElse(o.Developer, "portal@callboard.invalid")
	if a, err := mail.ParseAddress(o.Developer); err != nil || a.Address != o.Developer {
		return nil, apierror.Inputf("%s: developer must be an address of mail", o.Name)
	}
	if o.KeyHeader == "" && o.KeyQuery == "" {
		o.KeyHeader = "x-apikey"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{options: o, client: rest.Client{
		HTTP: o.HTTP, Base: strings.TrimRight(o.URL, "/") + rest.Path("v1", "organizations", o.Organization), Name: o.Name, Secrets: []sdk.Secret{o.Token},
	}}
	if o.ServiceAccount == "" {
		d.client.Authorize = func(r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+o.Token.Reveal())
			return nil
		}
		return d, nil
	}
	account, err := readAccount(o.ServiceAccount)
	if err != nil {
		return nil, apierror.Inputf("%s: serviceAccount %v", o.Name, err)
	}
	account.TokenURI = orElse(o.TokenURL, account.TokenURI)
	d.tokens, err = bearer.New(bearer.Options{HTTP: o.HTTP, Name: o.Name + ": login", URL: account.TokenURI, Form: account.form, Now: o.Now})
	return d, err
}

// Capabilities implements [driver.Driver].
func (d *Driver) Capabilities(context.Context) (driver.Capabilities, error) {
	return driver.Capabilities{
		APIs: true, Plans: true, Approval: true, Keys: true, KeyTTL: true, OwnSecret: true, RotateDual: true, Suspend: true,
		Why: map[string]string{
			"publish":      "proxies of Apigee are bundles that are deployed, with tools of Apigee",
			"quotaRead":    "counters of quotas are in the gateway, and not told by the Apigee API",
			"oauthClients": "the secrets of consumer keys are not handed out",
			"usage":        "metrics are in Apigee Analytics",
			"declarative":  "keys are made one by one",
		},
	}, nil
}

// Health implements [driver.Driver].
func (d *Driver) Health(ctx context.Context) error {
	var found struct {
		Products []product `json:"apiProduct"`
	}
	return d.call(ctx, rest.Request{Method: http.MethodGet, Path: "/apiproducts", Query: url.Values{"count": {"1"}, "expand": {"true"}}}, &found)
}

// Publish implements [driver.Driver].
func (d *Driver) Publish(context.Context, driver.Publication) (driver.API, error) {
	return driver.API{}, d.cannot("publish APIs: proxies are bundles that are deployed")
}

// Quota implements [driver.Driver].
func (d *Driver) Quota(context.Context, driver.AppID, driver.APIID) (driver.Quota, error) {
	return driver.Quota{}, d.cannot("tell what is left of a quota")
}

func (d *Driver) cannot(what string) error {
	return apierror.Newf(apierror.NotImplemented, "%s: the driver of Apigee cannot %s", d.options.Name, what)
}

func orElse(value, standard string) string {
	if value == "" {
		return standard
	}
	return value
}

var (
	_ driver.Driver     = (*Driver)(nil)
	_ driver.PlanReader = (*Driver)(nil)
)
