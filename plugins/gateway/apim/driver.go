package apim

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/bearer"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options of a [Driver]. The registered application (ClientID) needs the role "API Management Service Contributor" on the
// service.
type Options struct {
	Name string // what errors call the gateway
	HTTP *http.Client

	URL      string // of the management API; "" = https://management.azure.com
	LoginURL string // of the login; "" = https://login.microsoftonline.com

	Tenant       string
	ClientID     string
	ClientSecret sdk.Secret

	Subscription  string // of Azure
	ResourceGroup string
	Service       string

	// GatewayURL is where callers reach the APIs; "" = as the service tells.
	GatewayURL string
	// MailDomain makes the addresses of applications, which Azure wants of every user; "" = callboard.invalid. No mail is sent.
	MailDomain string

	Now func() time.Time
}

// Driver is one API Management service.
type Driver struct {
	options Options
	client  rest.Client
	tokens  *bearer.Source
}

// New makes a driver; nothing is asked before the first call.
func New(o Options) (*Driver, error) {
	for name, value := range map[string]*string{"tenant": &o.Tenant, "clientId": &o.ClientID, "subscription": &o.Subscription, "resourceGroup": &o.ResourceGroup, "service": &o.Service} {
		if *value == "" {
			return nil, apierror.Inputf("%s: %s must be set", o.Name, name)
		}
	}
	o.URL = orElse(o.URL, "https://management.azure.com")
	o.LoginURL = orElse(o.LoginURL, "https://login.microsoftonline.com")
	o.MailDomain = orElse(o.MailDomain, "callboard.invalid")
	if o.Now == nil {
		o.Now = time.Now
	}
	base := strings.TrimRight(o.URL, "/") + rest.Path("subscriptions", o.Subscription, "resourceGroups", o.ResourceGroup, "providers", "Microsoft.ApiManagement", "service")
	d := &Driver{options: o, client: rest.Client{HTTP: o.HTTP, Base: base, Name: o.Name, Explain: explain(o), Secrets: []sdk.Secret{o.ClientSecret}}}
	var err error
	d.tokens, err = bearer.New(bearer.Options{
		HTTP: o.HTTP, Name: o.Name + ": login", Now: o.Now, Secrets: []sdk.Secret{o.ClientSecret},
		URL: strings.TrimRight(o.LoginURL, "/") + rest.Path(o.Tenant, "oauth2", "v2.0", "token"),
		Form: func(time.Time) (url.Values, error) {
			return url.Values{
				"grant_type": {"client_credentials"}, "client_id": {o.ClientID}, "client_secret": {o.ClientSecret.Reveal()},
				"scope": {strings.TrimRight(o.URL, "/") + "/.default"},
			}, nil
		},
	})
	return d, err
}

func orElse(value, standard string) string {
	if value == "" {
		return standard
	}
	return value
}

// Capabilities implements [driver.Driver].
func (d *Driver) Capabilities(context.Context) (driver.Capabilities, error) {
	return driver.Capabilities{
		APIs: true, Plans: true, Approval: true, Keys: true, OwnSecret: true, RotateDual: true, Suspend: true,
		Why: map[string]string{
			"publish":      "APIs of API Management are imported from their definitions, with tools of Azure",
			"keyTTL":       "the end of a subscription is a note in API Management: the portal ends it",
			"quotaRead":    "what is left of a product's quota is not told by the management API",
			"oauthClients": "clients of APIs are registered in Microsoft Entra ID, not in API Management",
			"usage":        "metrics are in Azure Monitor",
			"declarative":  "subscriptions are made one by one",
		},
	}, nil
}

// Health implements [driver.Driver].
func (d *Driver) Health(ctx context.Context) error {
	var service serviceResource
	if err := d.get(ctx, nil, &service); err != nil {
		return err
	}
	if state := service.Properties.ProvisioningState; state == "Failed" || state == "Deleting" || state == "Deleted" || state == "Terminating" {
		return apierror.Newf(apierror.ServiceUnavailable, "%s: the service is in state %s", d.options.Name, rest.Line(state))
	}
	return nil
}

type serviceResource struct {
	Properties struct {
		ProvisioningState string `json:"provisioningState"`
		GatewayURL        string `json:"gatewayUrl"`
	} `json:"properties"`
}

// Publish implements [driver.Driver].
func (d *Driver) Publish(context.Context, driver.Publication) (driver.API, error) {
	return driver.API{}, d.cannot("publish APIs: they are imported from their definitions")
}

// Quota implements [driver.Driver].
func (d *Driver) Quota(context.Context, driver.AppID, driver.APIID) (driver.Quota, error) {
	return driver.Quota{}, d.cannot("tell what is left of a quota")
}

func (d *Driver) cannot(what string) error {
	return apierror.Newf(apierror.NotImplemented, "%s: the driver of Azure API Management cannot %s", d.options.Name, what)
}

var (
	_ driver.Driver      = (*Driver)(nil)
	_ driver.SlotRotator = (*Driver)(nil)
	_ driver.PlanReader  = (*Driver)(nil)
)
