package awsgateway

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/awsgateway/sigv4"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options of a [Driver]. The credentials need apigateway:GET, POST, PATCH, PUT and DELETE on /apikeys*, /usageplans* and
// /tags*, and apigateway:GET on /restapis*.
type Options struct {
	Name string // what errors call the gateway
	HTTP *http.Client

	Region string
	URL    string // of the control plane; "" = https://apigateway.<region>.amazonaws.com

	AccessKeyID     string
	SecretAccessKey sdk.Secret
	SessionToken    sdk.Secret // of temporary credentials; "" = none

	// GatewayURL is where callers reach the APIs, as <GatewayURL>/<api>/<stage>; "" = at the addresses of AWS.
	GatewayURL string

	Now func() time.Time
}

// Driver is API Gateway in one region of an account.
type Driver struct {
	options Options
	client  rest.Client
	pause   func(context.Context, time.Duration) error
}

var regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)

// New makes a driver; nothing is asked before the first call.
func New(o Options) (*Driver, error) {
	switch {
	case !regionPattern.MatchString(o.Region):
		return nil, apierror.Inputf("%s: region must be one of AWS, such as eu-central-1", o.Name)
	case o.AccessKeyID == "" || o.SecretAccessKey == "":
		return nil, apierror.Inputf("%s: accessKeyId and secretAccessKey must be set", o.Name)
	}
	if o.URL == "" {
		o.URL = "https://apigateway." + o.Region + ".amazonaws.com"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	signer := sigv4.Signer{AccessKeyID: o.AccessKeyID, SecretAccessKey: o.SecretAccessKey, SessionToken: o.SessionToken, Region: o.Region, Service: "apigateway"}
	return &Driver{options: o, pause: pause, client: rest.Client{
		HTTP: o.HTTP, Base: o.URL, Name: o.Name, Explain: explain(o.Name), Secrets: []sdk.Secret{o.SecretAccessKey, o.SessionToken},
		Authorize: func(r *http.Request) error { return signer.Sign(r, o.Now()) },
	}}, nil
}

// Capabilities implements [driver.Driver].
func (d *Driver) Capabilities(context.Context) (driver.Capabilities, error) {
	return driver.Capabilities{
		APIs: true, Plans: true, Keys: true, OwnSecret: true, RotateDual: true, Suspend: true, QuotaRead: true,
		Why: map[string]string{
			"publish":      "REST APIs are imported from their definitions and deployed, with tools of AWS",
			"approval":     "keys of API Gateway need nobody's approval",
			"keyTTL":       "keys of API Gateway have no end: the portal ends them",
			"oauthClients": "clients of APIs are in Amazon Cognito, not in API Gateway",
			"usage":        "metrics are in Amazon CloudWatch",
			"declarative":  "keys are made one by one",
		},
	}, nil
}

// Health implements [driver.Driver].
func (d *Driver) Health(ctx context.Context) error {
	var page list[apiKey]
	return d.call(ctx, rest.Request{Method: http.MethodGet, Path: "/apikeys", Query: limited(1)}, &page)
}

// Publish implements [driver.Driver].
func (d *Driver) Publish(context.Context, driver.Publication) (driver.API, error) {
	return driver.API{}, apierror.Newf(apierror.NotImplemented, "%s: the driver of API Gateway cannot publish APIs: they are imported and deployed", d.options.Name)
}

// stageURL is where callers reach a stage.
func (d *Driver) stageURL(s stage) string {
	if d.options.GatewayURL != "" {
		return strings.TrimRight(d.options.GatewayURL, "/") + "/" + s.api + "/" + s.name
	}
	return "https://" + s.api + ".execute-api." + d.options.Region + ".amazonaws.com/" + s.name
}

var (
	_ driver.Driver     = (*Driver)(nil)
	_ driver.PlanReader = (*Driver)(nil)
)
