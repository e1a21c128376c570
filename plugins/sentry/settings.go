package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/callboard/callboard/sdk"
)

// settings are what an operator writes under callboard.plugins.sentry.settings.
type settings struct {
	Organizations []organization `json:"organizations" desc:"Organizations of Sentry; the first is meant by annotations that name none" min:"1" max:"100"`
	Fresh         sdk.Duration   `json:"fresh" desc:"How long an answer of Sentry is shown before it is asked again" default:"45s"`
	Keep          sdk.Duration   `json:"keep" desc:"How long the last answer is shown, with its age, while Sentry does not answer" default:"1h"`
	MaxIssues     int            `json:"maxIssues" desc:"Most issues to read of a project" default:"300" min:"1" max:"1000"`
	Notify        bool           `json:"notify" desc:"Tell the owners of an entity about new issues and alerts that webhooks report" default:"true"`
}

// organization is one organization on one server.
type organization struct {
	Slug          string     `json:"slug" desc:"Slug of the organization in Sentry" example:"acme"`
	Name          string     `json:"name,omitempty" desc:"What annotations call it, where two servers have organizations of the same slug; the slug unless set" example:"acme"`
	URL           string     `json:"url,omitempty" desc:"Base URL of the server, such as https://de.sentry.io or that of an own one" format:"uri" default:"https://sentry.io"`
	Token         sdk.Secret `json:"token" desc:"Token of an internal integration with the scopes org:read, project:read and event:read; for the actions project:write and project:releases as well"`
	WebhookSecret sdk.Secret `json:"webhookSecret,omitempty" desc:"Client secret of the integration, with which it signs webhooks; none are accepted without it"`
	Endpoint      string     `json:"endpoint,omitempty" desc:"Which API lists issues: that of the organization, or the older one of the project for servers without it" enum:"organization,project" default:"organization"`
}

const cloud = "https://sentry.io"

// slugForm is Sentry's form of slugs, and ours of names.
var slugForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Validate says what the schema cannot.
func (s settings) Validate(context.Context) error {
	seen := map[string]bool{}
	for i, o := range s.Organizations {
		at := fmt.Sprintf("organizations/%d", i)
		name := strings.ToLower(o.name())
		switch {
		case !slugForm.MatchString(o.Slug):
			return fmt.Errorf("%s/slug: %q is no slug: letters, digits, - and _ only", at, o.Slug)
		case !slugForm.MatchString(name):
			return fmt.Errorf("%s/name: %q is no name: letters, digits, - and _ only", at, o.Name)
		case seen[name]:
			return fmt.Errorf("%s: there are two organizations %q; give one of them another name", at, o.name())
		case o.Token == "" || strings.ContainsFunc(o.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
			return fmt.Errorf("%s/token: is empty, or holds blanks or line breaks", at)
		}
		seen[name] = true
		if _, err := o.base(); err != nil {
			return fmt.Errorf("%s/url: %w", at, err)
		}
	}
	if s.Fresh < 0 || s.Keep < s.Fresh {
		return fmt.Errorf("keep: %s is shorter than fresh, %s", s.Keep, s.Fresh)
	}
	return nil
}

func (o organization) name() string {
	if o.Name != "" {
		return o.Name
	}
	return o.Slug
}

// base is the address that API paths are appended to. A prefix of the path stays: own servers may stand below one.
func (o organization) base() (string, error) {
	text := o.URL
	if text == "" {
		text = cloud
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("%q must be an address such as %s", text, cloud)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%q must end after the path: no user, query or fragment", u.Redacted())
	}
	return strings.TrimSuffix(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), nil
}
