package apigee

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/apigee/apigeefake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/sdk"
)

func TestDriver_RenewsItsToken(t *testing.T) {
	r := start(t, nil)
	for _, end := range []func(){func() {}, func() { r.clock.Advance(2 * time.Hour) }, r.fake.ForgetTokens} {
		end()
		if err := r.Health(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestDriver_TakesATokenThatSomebodyElseRenews(t *testing.T) {
	r := start(t, nil)
	o := r.options
	o.ServiceAccount, o.Token = "", sdk.Secret(r.fake.Token())
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Health(t.Context()); err != nil {
		t.Error(err)
	}
	r.fake.ForgetTokens()
	if err := d.Health(t.Context()); !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "wrong, revoked or expired") || strings.Contains(err.Error(), "ya29") {
		t.Errorf("got %v", err)
	}
}

func TestDriver_SaysWhichSettingIsWrong(t *testing.T) {
	later := func(o *Options, d time.Duration) {
		now := o.Now
		o.Now = func() time.Time { return now().Add(d) }
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"organization": {func(o *Options) { o.Organization = "other" }, `lack the right to do that: Permission denied on resource "organizations/other" (or it may not exist)`},
		"a fast clock": {func(o *Options) { later(o, time.Hour) }, "login refuses the plugin's credentials: Invalid JWT: Token must be a short-lived token"},
		"a slow clock": {func(o *Options) { later(o, -time.Hour) }, "Invalid JWT: Token must be a short-lived token"},
		"the account": {func(o *Options) {
			o.ServiceAccount = sdk.Secret(strings.Replace(o.ServiceAccount.Reveal(), "portal@", "other@", 1))
		}, "account not found"},
		"the key": {func(o *Options) {
			o.ServiceAccount = sdk.Secret(strings.Replace(o.ServiceAccount.Reveal(), "0123456789abcdef", "x", 1))
		}, "Invalid JWT Signature"},
		"the login": {func(o *Options) { o.TokenURL = o.URL + "/elsewhere" }, "login is not at its address, which answers 404"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, c.change)
			for _, err := range []error{r.Health(t.Context()), r.RevokeKey(t.Context(), "shop", "x"), r.EnsureConsumer(t.Context(), driver.App{ID: "shop"})} {
				if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			}
		})
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	good := apigeefake.ServiceAccount("https://login.example.com/token")
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no organization":   {func(o *Options) { o.Organization = "" }, "organization must be set"},
		"no credentials":    {func(o *Options) { o.ServiceAccount = "" }, "one of serviceAccount and token"},
		"two credentials":   {func(o *Options) { o.Token = "t" }, "one of serviceAccount and token"},
		"no JSON":           {func(o *Options) { o.ServiceAccount = "s3cret" }, "must be the JSON of a service account's key"},
		"another account":   {func(o *Options) { o.ServiceAccount = `{"type":"authorized_user","private_key":"s3cret"}` }, "must be the key of a service account"},
		"no key":            {func(o *Options) { replace(o, "BEGIN PRIVATE KEY", "BEGIN s3cret") }, "has no private_key in PEM"},
		"a broken key":      {func(o *Options) { replace(o, "MII", "s3c") }, "private_key"},
		"no address":        {func(o *Options) { o.Developer = "portal" }, "developer must be an address"},
		"another developer": {func(o *Options) { o.Developer = "Portal <portal@example.com>" }, "developer must be an address"},
		"no login":          {func(o *Options) { o.TokenURL = "login" }, "must be that of a web server"},
	} {
		o := Options{Name: "Apigee eu", Organization: "contoso", ServiceAccount: sdk.Secret(good)}
		c.change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3c") {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func replace(o *Options, old, by string) {
	o.ServiceAccount = sdk.Secret(strings.Replace(o.ServiceAccount.Reveal(), old, by, 1))
}

func TestDriver_EndsWhateverApigeeAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"null": `null`, "a list": `[]`, "a text": `"x"`, "nothing": ``, "an empty object": `{}`, "half": `{"app":[`, "wrong types": `{"name":7,"app":{},"credentials":{}}`,
		"a page that is always the same": `{"name":"shop","status":"approved","app":[{"name":"x"},{"name":"y"}],"apiProduct":[{"name":"x"},{"name":"y"}],"proxies":[{"name":"x"}]}`,
		"a page that goes in a circle":   `{"app":[{"name":"x"}],"apiProduct":[{"name":"x"}]}`,
		"entries of nothing":             `{"app":[null,{}],"apiProduct":[{}],"credentials":[null,{}],"name":"shop","attributes":[null],"proxies":[null]}`,
		"a key of another":               `{"name":"shop","consumerKey":"other","credentials":[{"consumerKey":"","attributes":[{"name":"callboard-operation","value":"x"}]}]}`,
		"times out of range":             `{"name":"shop","credentials":[{"consumerKey":"k","issuedAt":"9223372036854775807","expiresAt":"soon","apiProducts":[{}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			k := r.issue(t, request(1))
			defer r.fake.Set(gatewayfake.Fault{Status: 200, ContentType: "application/json", Body: body})()
			if issued, err := r.IssueKey(t.Context(), request(2)); err == nil {
				t.Errorf("a key is issued: %+v", issued.Key)
			}
			if err := r.SuspendKey(t.Context(), "shop", k.ID, true); err == nil {
				t.Error("a key is suspended")
			}
			_ = r.SetPlan(t.Context(), "shop", "orders", "gold")
			_, _ = r.PlanOf(t.Context(), "shop", "orders")
			_, _ = r.Credential(t.Context(), "orders")
			for key, err := range r.Keys(t.Context(), "shop") {
				if err == nil && (!key.Created.IsZero() || key.Prefix != "") {
					t.Errorf("listed %+v", key)
				}
			}
			bounded(t, r.Keys(t.Context(), ""))
			bounded(t, r.APIs(t.Context()))
			bounded(t, r.Plans(t.Context()))
			if n := len(r.fake.Calls()); n > 200 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func bounded[T any](t *testing.T, list func(func(T, error) bool)) {
	t.Helper()
	n := 0
	for range list { //nolint:errcheck // an error is as good
		if n++; n > 100 {
			t.Error("a list has no end")
			return
		}
	}
}
