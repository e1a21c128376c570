package main

import (
	"net/http"
	"time"

	"github.com/callboard/callboard/plugins/gateway/apigee"
	"github.com/callboard/callboard/plugins/gateway/apim"
	"github.com/callboard/callboard/plugins/gateway/apisix"
	"github.com/callboard/callboard/plugins/gateway/awsgateway"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/expressgateway"
	"github.com/callboard/callboard/plugins/gateway/forwardauth"
	"github.com/callboard/callboard/plugins/gateway/kong"
	"github.com/callboard/callboard/plugins/gateway/konnect"
	"github.com/callboard/callboard/plugins/gateway/tyk"
	"github.com/callboard/callboard/plugins/gateway/usage"
)

// surroundings are what drivers are made of beside their settings.
type surroundings struct {
	http    *http.Client
	store   forwardauth.Store
	metrics *forwardauth.Metrics
	now     func() time.Time
}

// kind is a type of gateway: how its driver is made, and which settings it has.
type kind struct {
	title        string
	knows, needs []string
	profile      string // of its metrics
	make         func(gatewaySettings, surroundings) (driver.Driver, error)
}

var kinds = map[string]kind{
	"kong": {
		title: "Kong", knows: []string{"url", "token", "plans", "kong"}, needs: []string{"url"}, profile: usage.Kong,
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) { return kong.New(s.kong(x)) },
	},
	"apim": {
		title: "Azure API Management", knows: []string{"url", "apim"}, needs: []string{"url", "apim"},
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) {
			return apim.New(apim.Options{
				Name: s.Name, HTTP: x.http, URL: s.URL, LoginURL: s.APIM.LoginURL, Tenant: s.APIM.Tenant, ClientID: s.APIM.ClientID,
				ClientSecret: s.APIM.ClientSecret, Subscription: s.APIM.Subscription, ResourceGroup: s.APIM.ResourceGroup,
				Service: s.APIM.Service, GatewayURL: s.ProxyURL, MailDomain: s.APIM.MailDomain, Now: x.now,
			})
		},
	},
	"konnect": {
		title: "Kong Konnect", knows: []string{"url", "token", "plans", "konnect"}, needs: []string{"url", "token", "konnect"}, profile: usage.Kong,
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) {
			return konnect.New(konnect.Options{
				Name: s.Name, HTTP: x.http, URL: s.URL, ControlPlane: s.Konnect.ControlPlane, Token: s.Token, Proxy: s.ProxyURL, Plans: s.plans(), Now: x.now,
			})
		},
	},
	"apisix": {
		title: "Apache APISIX", knows: []string{"url", "token", "plans"}, needs: []string{"url", "token"}, profile: usage.APISIX,
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) {
			return apisix.New(apisix.Options{Name: s.Name, HTTP: x.http, URL: s.URL, Key: s.Token, Proxy: s.ProxyURL, Plans: s.plans(), Now: x.now})
		},
	},
	"tyk": {
		title: "Tyk", knows: []string{"url", "token", "plans", "tyk"}, needs: []string{"url", "token"}, profile: usage.Tyk,
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) {
			o := tyk.Options{Name: s.Name, HTTP: x.http, URL: s.URL, Secret: s.Token, Proxy: s.ProxyURL, Plans: s.plans(), Now: x.now}
			if s.Tyk != nil {
				o.Org = s.Tyk.Organization
			}
			return tyk.New(o)
		},
	},
	"apigee": {
		title: "Apigee", knows: []string{"url", "token", "apigee"}, needs: []string{"url", "apigee"},
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) {
			a := s.Apigee
			return apigee.New(apigee.Options{
				Name: s.Name, HTTP: x.http, URL: s.URL, Organization: a.Organization, Environment: a.Environment, ServiceAccount: a.ServiceAccount,
				Token: s.Token, TokenURL: a.TokenURL, Developer: a.Developer, GatewayURL: s.ProxyURL, KeyHeader: a.KeyHeader, KeyQuery: a.KeyQuery, Now: x.now,
			})
		},
	},
	"aws": {
		title: "Amazon API Gateway", knows: []string{"url", "aws"}, needs: []string{"url", "aws"},
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) {
			return awsgateway.New(awsgateway.Options{
				Name: s.Name, HTTP: x.http, URL: s.URL, Region: s.AWS.Region, AccessKeyID: s.AWS.AccessKeyID,
				SecretAccessKey: s.AWS.SecretAccessKey, SessionToken: s.AWS.SessionToken, GatewayURL: s.ProxyURL, Now: x.now,
			})
		},
	},
	"express-gateway": {
		title: "Express Gateway", knows: []string{"url", "expressGateway"}, needs: []string{"url"},
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) {
			o := expressgateway.Options{Name: s.Name, HTTP: x.http, URL: s.URL, Proxy: s.ProxyURL, Now: x.now}
			if e := s.Express; e != nil {
				o.Header, o.Value = e.Header, e.Value
			}
			return expressgateway.New(o)
		},
	},
	"forward-auth": {
		title: "Forward auth", knows: []string{"plans", "apis"}, needs: []string{"apis"}, profile: usage.ForwardAuth,
		make: func(s gatewaySettings, x surroundings) (driver.Driver, error) {
			o, err := s.forwardAuth(x)
			if err != nil {
				return nil, err
			}
			return forwardauth.New(o)
		},
	},
}

// kong are the options of the driver, and of the facade for Kong's community plugin.
func (s gatewaySettings) kong(x surroundings) kong.Options {
	o := kong.Options{Name: s.Name, HTTP: x.http, URL: s.URL, Token: s.Token, Proxy: s.ProxyURL, Plans: s.plans(), Now: x.now}
	if k := s.Kong; k != nil {
		o.Nodes, o.Declarative, o.Workspace, o.Header, o.Value, o.Policy = k.Nodes, k.Declarative, k.Workspace, k.Header, k.Value, k.Policy
	}
	return o
}

func (s gatewaySettings) forwardAuth(x surroundings) (forwardauth.Options, error) {
	o := forwardauth.Options{Name: s.Name, Store: x.store, Metrics: x.metrics, Now: x.now}
	for _, a := range s.APIs {
		api := forwardauth.API{
			ID: driver.APIID(a.ID), Name: a.Name, URL: a.URL, Header: a.Header, Scheme: a.Scheme, Query: a.Query, Preflight: a.Preflight,
		}
		for _, p := range a.Plans {
			api.Plans = append(api.Plans, driver.PlanID(p))
		}
		o.APIs = append(o.APIs, api)
	}
	for _, p := range s.Plans {
		plan := forwardauth.Plan{ID: driver.PlanID(p.ID), Name: p.Name, Description: p.Description}
		for _, l := range p.Limits {
			window, err := forwardauth.ParseWindow(l.Per)
			if err != nil {
				return o, err
			}
			plan.Limits = append(plan.Limits, forwardauth.Limit{Requests: int64(l.Requests), Window: window, PerKey: l.PerKey})
		}
		o.Plans = append(o.Plans, plan)
	}
	return o, nil
}
