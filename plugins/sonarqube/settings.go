package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk"
)

// settings have the names of the community backend's configuration: one instance at the top, several under instances.
type settings struct {
	BaseURL         string             `json:"baseUrl,omitempty" format:"uri" example:"https://sonarcloud.io" desc:"Address of SonarQube; https://sonarcloud.io or https://sonarqube.us for SonarQube Cloud"`
	ExternalBaseURL string             `json:"externalBaseUrl,omitempty" format:"uri" example:"https://sonarcloud.io" desc:"Address in links, where browsers reach SonarQube by another one"`
	APIKey          sdk.Secret         `json:"apiKey,omitempty" desc:"User token (squ_…) with the permission Browse on the projects"`
	AuthType        string             `json:"authType,omitempty" enum:"Basic,Bearer" desc:"How the token is sent; without it Bearer for SonarQube Cloud and Basic for others, which every server understands"`
	Mode            string             `json:"mode" enum:"auto,standard,mqr" default:"auto" desc:"Metrics to show: auto takes the standard ones where the server has them, mqr prefers software qualities"`
	WebhookSecret   sdk.Secret         `json:"webhookSecret,omitempty" desc:"Secret of the webhook that tells of new analyses"`
	Instances       []instanceSettings `json:"instances,omitempty" max:"50" desc:"Several instances; annotations name them as instance/project"`
	CacheFor        sdk.Duration       `json:"cacheFor" default:"2m" desc:"How long measures are shown before SonarQube is asked again"`
	Timeout         sdk.Duration       `json:"timeout" default:"15s" desc:"How long to wait for SonarQube"`
}

type instanceSettings struct {
	Name            string     `json:"name" pattern:"^[A-Za-z0-9._-]+$" max:"50" desc:"What annotations call it; default is the one they need not name"`
	BaseURL         string     `json:"baseUrl" format:"uri" example:"https://sonarcloud.io" desc:"Address of SonarQube"`
	ExternalBaseURL string     `json:"externalBaseUrl,omitempty" format:"uri" example:"https://sonarcloud.io" desc:"Address in links"`
	APIKey          sdk.Secret `json:"apiKey" desc:"User token (squ_…) with the permission Browse on the projects"`
	AuthType        string     `json:"authType,omitempty" enum:"Basic,Bearer" desc:"How the token is sent"`
	Mode            string     `json:"mode" enum:"auto,standard,mqr" default:"auto" desc:"Metrics to show"`
	WebhookSecret   sdk.Secret `json:"webhookSecret,omitempty" desc:"Secret of the webhook that tells of new analyses"`
}

const defaultInstance = "default"

// all are the instances, the unnamed one last.
func (s settings) all() []instanceSettings {
	list := slices.Clip(s.Instances)
	if s.BaseURL == "" {
		return list
	}
	return append(list, instanceSettings{
		Name: defaultInstance, BaseURL: s.BaseURL, ExternalBaseURL: s.ExternalBaseURL, APIKey: s.APIKey, AuthType: s.AuthType,
		Mode: s.Mode, WebhookSecret: s.WebhookSecret,
	})
}

// Validate says what the schema cannot. No instance at all is no mistake: the plugin then says so in its health.
func (s settings) Validate(context.Context) error {
	seen := map[string]bool{}
	for i, one := range s.Instances {
		if seen[one.Name] {
			return fmt.Errorf("instances[%d].name: %q is there twice", i, one.Name)
		}
		seen[one.Name] = true
	}
	if seen[defaultInstance] && (s.BaseURL != "" || s.ExternalBaseURL != "" || s.APIKey != "") {
		return errors.New("found both a named sonarqube instance with name default and top level baseUrl or apiKey config; use only one style of config")
	}
	if (s.BaseURL == "") != (s.APIKey == "") {
		return errors.New("found partial default sonarqube config; all (or none) of baseUrl and apiKey must be provided")
	}
	if s.Timeout <= 0 {
		return errors.New("timeout must be longer than nothing")
	}
	for _, one := range s.all() {
		if err := one.check(); err != nil {
			return fmt.Errorf("instance %s: %w", one.Name, err)
		}
	}
	return nil
}

func (s instanceSettings) check() error {
	if s.APIKey == "" || strings.ContainsFunc(s.APIKey.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("apiKey must be a token: visible ASCII characters without blanks")
	}
	for name, address := range map[string]string{"baseUrl": s.BaseURL, "externalBaseUrl": s.ExternalBaseURL} {
		if address == "" && name == "externalBaseUrl" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("%s must be an address that begins with https:// or http://", name)
		}
		if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("%s must have no user, query or fragment", name)
		}
	}
	return nil
}

// isCloud tells SonarQube Cloud by its hosts: it wants Bearer, and is the only one that limits rates by itself.
func isCloud(baseURL string) bool {
	u, err := url.Parse(baseURL)
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Hostname()) {
	case "sonarcloud.io", "sonarqube.us":
		return true
	}
	return false
}
