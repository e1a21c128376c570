package main

import (
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
)

func TestSettings_HaveASchema(t *testing.T) {
	start(t).WantSettingsSchema("settings.schema.json")
}

func TestSettings_SayWhichMemberIsWrong(t *testing.T) {
	for part, change := range map[string]func(*settings){
		`gateways[1].name: "edge" is there twice`:          func(s *settings) { s.Gateways = append(s.Gateways, edge()) },
		"apis: a gateway of the type kong has none":        func(s *settings) { s.Gateways[0].Type, s.Gateways[0].URL = "kong", "http://kong:8001" },
		"url: a gateway of the type kong needs it":         func(s *settings) { s.Gateways[0] = gatewaySettings{Name: "k", Type: "kong"} },
		"token: a gateway of the type forward-auth":        func(s *settings) { s.Gateways[0].Token = "x" },
		"proxyUrl: it must be an address":                  func(s *settings) { s.Gateways[0].ProxyURL = "edge.example.com" },
		"proxyUrl: it must have no user, query":            func(s *settings) { s.Gateways[0].ProxyURL = "https://ann@edge.example.com" },
		"keys.ttl: 10000h0m0s is longer than maxTTL":       func(s *settings) { s.Keys.TTL = sdk.Duration(10000 * 3600e9) },
		"keys.grace: 200h0m0s is longer than maxGrace":     func(s *settings) { s.Keys.Grace = sdk.Duration(200 * 3600e9) },
		"keys.proof: 1m0s is not between":                  func(s *settings) { s.Keys.Proof = sdk.Duration(60e9) },
		"timeout: 0s is no time":                           func(s *settings) { s.Timeout = 0 },
		"approvers and operators: \"platform\" is no full": func(s *settings) { s.Approvers = []string{"platform"} },
	} {
		s := defaults()
		change(&s)
		if err := s.Validate(t.Context()); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q", err, part)
		}
	}
}

func TestSettings_OfAGatewayThatDoesNotGoTogetherAreRefused(t *testing.T) {
	r := start(t)
	for part, change := range map[string]func(*settings){
		`it can be had with plan "none"`: func(s *settings) { s.Gateways[0].APIs[1].Plans = []string{"none"} },
		"policy.rego": func(s *settings) {
			s.Policy.Files = map[string]string{"policy.rego": "package callboard.gateway\n\nallow if {"}
		},
		"usage.profile: a gateway of the type aws": func(s *settings) {
			s.Gateways[0] = gatewaySettings{
				Name: "a", Type: "aws", URL: "https://apigateway.eu-central-1.amazonaws.com", Usage: &usageSettings{URL: "https://prometheus.example.com"},
				AWS: &awsSettings{Region: "eu-central-1", AccessKeyID: "id", SecretAccessKey: "secret"},
			}
		},
	} {
		s := defaults()
		s.Gateways = []gatewaySettings{edge()}
		change(&s)
		if err := r.Configure(s); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q", err, part)
		}
	}
	if got := answered[list[gatewayAnswer]](r, 200, r.Get("/v1/gateways", ann)); len(got.Items) != 1 {
		t.Errorf("the former settings do not go on: %+v", got)
	}
}

func TestSettings_MakeAGatewayOfEachType(t *testing.T) {
	const url, proxy, uuid = "https://gateway.example.com", "https://api.example.com", "6d1f0c52-0000-4000-8000-000000000000"
	plans := []planSettings{{ID: "bronze", Limits: []limitSettings{{Requests: 60, Per: "minute"}}}}
	all := map[string]gatewaySettings{
		"kong":            {URL: url, Token: "t", Plans: plans, Kong: &kongSettings{Workspace: "w", Policy: "cluster"}},
		"konnect":         {URL: url, Token: "t", Plans: plans, Konnect: &konnectSettings{ControlPlane: uuid}},
		"apisix":          {URL: url, Token: "t", Plans: plans},
		"tyk":             {URL: url, Token: "t", Plans: plans, Tyk: &tykSettings{Organization: "o"}},
		"apigee":          {URL: url, Token: "t", Apigee: &apigeeSettings{Organization: "o"}},
		"apim":            {URL: url, APIM: &apimSettings{LoginURL: url, Tenant: "t", ClientID: "c", ClientSecret: "s", Subscription: uuid, ResourceGroup: "g", Service: "s"}},
		"aws":             {URL: url, AWS: &awsSettings{Region: "eu-central-1", AccessKeyID: "i", SecretAccessKey: "s"}},
		"express-gateway": {URL: url, Express: &expressSettings{Header: "X-Gate", Value: "s"}},
		"forward-auth":    edge(),
	}
	r := start(t)
	s := defaults()
	s.Gateways = nil
	for name := range kinds {
		one, ok := all[name]
		if !ok {
			t.Errorf("type %s is not tested", name)
		}
		one.Name, one.Type, one.ProxyURL = name, name, proxy
		s.Gateways = append(s.Gateways, one)
	}
	if err := r.Configure(s); err != nil {
		t.Fatal(err)
	}
	if n := len(r.g.hub.Load().gateways); n != len(kinds) {
		t.Errorf("%d gateways", n)
	}
}
