package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// settings are what an operator writes under callboard.plugins.gateway.settings.
type settings struct {
	Gateways []gatewaySettings `json:"gateways,omitempty" max:"50" desc:"The gateways, by names that annotations use"`
	Keys     keySettings       `json:"keys,omitzero" desc:"What applications can have"`
	Policy   policySettings    `json:"policy,omitzero" desc:"Rules in Rego that access requests pass; without any, those that the plugin brings"`
	// Approvers may decide every request, beside the owners of the API.
	Approvers []string `json:"approvers,omitempty" max:"50" desc:"Refs of groups and users who may decide every access request, beside the owners of the API's entity"`
	Operators []string `json:"operators,omitempty" max:"50" desc:"Refs of groups and users who may see every application, and compare and repair gateways"`
	// Permissions are asked only where the operator says that there is a policy about them: without one everybody may do everything.
	Permissions bool         `json:"permissions,omitempty" desc:"Ask the portal's permission policy as well: whoever it allows gateway.request.approve decides requests, gateway.operate makes an operator. Without a policy of your own, the portal allows everything to everybody"`
	FourEyes    bool         `json:"fourEyes,omitempty" desc:"Nobody decides his own request"`
	History     sdk.Duration `json:"history" default:"9600h" desc:"How long the trail of an application is kept; 0s = for ever"`
	Timeout     sdk.Duration `json:"timeout" default:"15s" desc:"How long to wait for a gateway"`
}

type keySettings struct {
	TTL      sdk.Duration `json:"ttl" default:"2160h" desc:"How long a key lives if nobody says; 0s = for ever"`
	MaxTTL   sdk.Duration `json:"maxTTL" default:"8760h" desc:"How long a key may live; 0s = for ever"`
	Grace    sdk.Duration `json:"grace" default:"24h" desc:"How long a rotated key goes on if nobody says"`
	MaxGrace sdk.Duration `json:"maxGrace" default:"168h" desc:"How long a rotated key may go on"`
	Max      int          `json:"max" default:"5" min:"0" max:"1000" desc:"Keys of an application for one API; 0 = any number"`
	Proof    sdk.Duration `json:"proof" default:"10s" desc:"How long to look for a proof that a gateway refuses a key; at most 30s"`
}

type policySettings struct {
	Files map[string]string `json:"files,omitempty" desc:"Files in Rego, and data.json, by their names; in the host's configuration {$file: ./policy.rego} reads one"`
}

// gatewaySettings are one gateway. What a type does not know is a mistake.
type gatewaySettings struct {
	Name        string           `json:"name" pattern:"^[a-z][a-z0-9-]{0,39}$" desc:"What annotations and addresses call it"`
	Type        string           `json:"type" enum:"kong,konnect,apisix,tyk,apigee,apim,aws,express-gateway,forward-auth" desc:"What it is"`
	URL         string           `json:"url,omitempty" format:"uri" example:"https://kong.example.com:8444" desc:"Address of its management API; not for forward-auth"`
	ProxyURL    string           `json:"proxyUrl,omitempty" format:"uri" example:"https://api.example.com" desc:"Address where callers reach it; proofs are requests to it"`
	Environment string           `json:"environment,omitempty" max:"50" example:"production" desc:"What policies call it"`
	AutoApprove bool             `json:"autoApprove,omitempty" desc:"Nobody needs to approve access, unless the policy says so"`
	Token       sdk.Secret       `json:"token,omitempty" desc:"Credential of the management API: Kong-Admin-Token, access token of Konnect, admin key of APISIX, secret of Tyk, access token of Apigee"`
	Plans       []planSettings   `json:"plans,omitempty" max:"100" desc:"Plans that the plugin makes, for Kong, Konnect, APISIX, Tyk and forward-auth"`
	APIs        []apiSettings    `json:"apis,omitempty" max:"500" desc:"APIs behind a gateway that asks the plugin, for forward-auth"`
	Usage       *usageSettings   `json:"usage,omitempty" desc:"Where its metrics are"`
	Kong        *kongSettings    `json:"kong,omitempty" desc:"More about a Kong"`
	APIM        *apimSettings    `json:"apim,omitempty" desc:"More about an Azure API Management"`
	AWS         *awsSettings     `json:"aws,omitempty" desc:"More about Amazon API Gateway in a region"`
	Konnect     *konnectSettings `json:"konnect,omitempty" desc:"More about a Konnect"`
	Tyk         *tykSettings     `json:"tyk,omitempty" desc:"More about a Tyk"`
	Apigee      *apigeeSettings  `json:"apigee,omitempty" desc:"More about an organization of Apigee"`
	Express     *expressSettings `json:"expressGateway,omitempty" desc:"More about an Express Gateway"`
}

type planSettings struct {
	ID          string          `json:"id" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$" desc:"Id of the plan"`
	Name        string          `json:"name,omitempty" max:"100" desc:"Name for people"`
	Description string          `json:"description,omitempty" max:"1000" desc:"What it is for"`
	Limits      []limitSettings `json:"limits,omitempty" max:"10" desc:"All of them hold"`
}

type limitSettings struct {
	Requests int    `json:"requests" min:"1" desc:"Number of requests"`
	Per      string `json:"per" enum:"second,minute,hour,day,month,year" desc:"Window that they are counted in"`
	PerKey   bool   `json:"perKey,omitempty" desc:"Each key is counted for itself; for forward-auth"`
}

var windows = map[string]time.Duration{
	"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "month": 30 * 24 * time.Hour, "year": 365 * 24 * time.Hour,
}

// plans are the settings' as drivers take them.
func (s gatewaySettings) plans() []driver.Plan {
	var all []driver.Plan
	for _, p := range s.Plans {
		plan := driver.Plan{ID: driver.PlanID(p.ID), Name: p.Name, Description: p.Description}
		if plan.Name == "" {
			plan.Name = p.ID
		}
		for _, l := range p.Limits {
			plan.Limits = append(plan.Limits, driver.Limit{Requests: int64(l.Requests), Window: windows[l.Per]})
		}
		all = append(all, plan)
	}
	return all
}

type apiSettings struct {
	ID        string   `json:"id" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$" desc:"Id of the API, as annotations call it"`
	Name      string   `json:"name,omitempty" max:"100" desc:"Name for people"`
	URL       string   `json:"url,omitempty" format:"uri" desc:"Address where callers reach it"`
	Header    string   `json:"header,omitempty" desc:"Header that carries the key; X-Api-Key unless set"`
	Scheme    string   `json:"scheme,omitempty" desc:"Word before the key in the header"`
	Query     string   `json:"query,omitempty" desc:"Parameter that may carry the key instead"`
	Preflight bool     `json:"preflight,omitempty" desc:"Requests of the method OPTIONS need no key"`
	Plans     []string `json:"plans,omitempty" desc:"Plans that it can be had with; all unless set"`
}

type usageSettings struct {
	URL      string            `json:"url" format:"uri" example:"https://prometheus.example.com" desc:"Address of Prometheus"`
	Profile  string            `json:"profile,omitempty" enum:"kong,kong-legacy,apisix,tyk,traefik,forward-auth" desc:"How the gateway calls its metrics; that of its type unless set"`
	Match    map[string]string `json:"match,omitempty" desc:"Labels that the gateway's series have, where one Prometheus knows several gateways"`
	Token    sdk.Secret        `json:"token,omitempty" desc:"Bearer token"`
	Username string            `json:"username,omitempty" desc:"Or a user"`
	Password sdk.Secret        `json:"password,omitempty" desc:"And its password"`
	Scrape   sdk.Duration      `json:"scrape" default:"15s" desc:"How often Prometheus reads the gateway"`
}

// Validate says what the schema cannot. No gateway at all is no mistake: the plugin then says so in its health.
func (s settings) Validate(context.Context) error {
	seen := map[string]bool{}
	for i, g := range s.Gateways {
		if seen[g.Name] {
			return fmt.Errorf("gateways[%d].name: %q is there twice", i, g.Name)
		}
		seen[g.Name] = true
		if err := g.check(); err != nil {
			return fmt.Errorf("gateways[%d] (%s): %w", i, g.Name, err)
		}
	}
	switch {
	case s.Timeout <= 0:
		return fmt.Errorf("timeout: %s is no time to wait", s.Timeout)
	case s.Keys.TTL < 0 || s.Keys.MaxTTL < 0 || s.Keys.Grace < 0 || s.Keys.MaxGrace < 0 || s.History < 0:
		return errors.New("keys and history: no length of time is less than nothing")
	case s.Keys.MaxTTL > 0 && s.Keys.TTL > s.Keys.MaxTTL:
		return fmt.Errorf("keys.ttl: %s is longer than maxTTL, %s", s.Keys.TTL, s.Keys.MaxTTL)
	case s.Keys.MaxGrace > 0 && s.Keys.Grace > s.Keys.MaxGrace:
		return fmt.Errorf("keys.grace: %s is longer than maxGrace, %s", s.Keys.Grace, s.Keys.MaxGrace)
	case s.Keys.Proof < 0 || s.Keys.Proof.Std() > 30*time.Second:
		return fmt.Errorf("keys.proof: %s is not between 0s and 30s", s.Keys.Proof)
	}
	return checkRefs(s.Approvers, s.Operators)
}

func checkRefs(lists ...[]string) error {
	for _, ref := range slices.Concat(lists...) {
		if kind, rest, ok := strings.Cut(ref, ":"); !ok || kind != "group" && kind != "user" || !strings.Contains(rest, "/") {
			return fmt.Errorf("approvers and operators: %q is no full ref such as group:default/platform", ref)
		}
	}
	return nil
}

// check holds a gateway to what its type knows.
func (s gatewaySettings) check() error {
	kind, ok := kinds[s.Type]
	if !ok {
		return fmt.Errorf("type: %q is none", s.Type)
	}
	for name, set := range s.sections() {
		if set && !slices.Contains(kind.knows, name) {
			return fmt.Errorf("%s: a gateway of the type %s has none", name, s.Type)
		}
	}
	for _, name := range kind.needs {
		if !s.sections()[name] {
			return fmt.Errorf("%s: a gateway of the type %s needs it", name, s.Type)
		}
	}
	for name, address := range s.addresses() {
		if err := checkAddress(address); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// sections are the settings that not every type has, and whether they are set.
func (s gatewaySettings) sections() map[string]bool {
	return map[string]bool{
		"url": s.URL != "", "token": s.Token != "", "plans": len(s.Plans) > 0, "apis": len(s.APIs) > 0,
		"kong": s.Kong != nil, "apim": s.APIM != nil, "aws": s.AWS != nil, "apigee": s.Apigee != nil, "tyk": s.Tyk != nil, "konnect": s.Konnect != nil, "expressGateway": s.Express != nil,
	}
}

func (s gatewaySettings) addresses() map[string]string {
	all := map[string]string{"url": s.URL, "proxyUrl": s.ProxyURL}
	if s.Usage != nil {
		all["usage.url"] = s.Usage.URL
	}
	if s.Kong != nil {
		for i, node := range s.Kong.Nodes {
			all[fmt.Sprintf("kong.nodes[%d]", i)] = node
		}
	}
	if s.APIM != nil {
		all["apim.loginUrl"] = s.APIM.LoginURL
	}
	if s.Apigee != nil {
		all["apigee.tokenUrl"] = s.Apigee.TokenURL
	}
	return all
}

func checkAddress(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("it must be an address that begins with https:// or http://")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("it must have no user, query or fragment")
	}
	return nil
}
