// Package konnect drives Kong Konnect: the Kong of package kong, whose entities are managed by a control plane in Kong's cloud.
//
// It differs by its addresses, one for each region and control plane; by its access token, personal (kpat_…) or of a system
// account (spat_…); by its errors; in that entities are replaced and never merged; and in that nothing tells how data planes run. Entities, and what the driver makes of them, are
// the same. Keys are credentials of the control plane's consumers: those of Konnect's own developer portal can be made in a
// developer's session only, and this driver has nothing to do with them.
//
// Package konnectfake is a Konnect for tests.
package konnect

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/kong"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options say which control plane it is.
type Options struct {
	Name string       // of the instance, in errors
	HTTP *http.Client // the host's way out
	// URL is the region's address, such as https://eu.api.konghq.com.
	URL string
	// ControlPlane is the id of the control plane.
	ControlPlane string
	Token        sdk.Secret // access token
	// Proxy is the address under which callers reach the data planes, "" = not known.
	Proxy string
	// Plans are those that the driver makes, as [kong.Options] have them.
	Plans []driver.Plan
	Now   func() time.Time // nil = time.Now
}

// Driver is one control plane.
type Driver struct{ *kong.Driver }

var controlPlaneID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// New checks the options; nothing is called yet.
func New(o Options) (*Driver, error) {
	if !controlPlaneID.MatchString(o.ControlPlane) {
		return nil, apierror.Inputf("Konnect %s: controlPlane %q must be the id of a control plane, a UUID; Konnect shows it beside the name", o.Name, rest.Line(o.ControlPlane))
	}
	region := &rest.Client{
		HTTP: o.HTTP, Base: o.URL, Name: "Konnect " + o.Name, Authorize: o.authorize, Explain: o.explain, Secrets: []sdk.Secret{o.Token},
	}
	d, err := kong.NewEdition(kong.Options{
		Name: o.Name, HTTP: o.HTTP, URL: strings.TrimRight(o.URL, "/") + rest.Path("v2", "control-planes", o.ControlPlane, "core-entities"),
		Token: o.Token, Proxy: o.Proxy, Plans: o.Plans, Now: o.Now,
	}, kong.Edition{
		Authorize: o.authorize, Explain: o.explain, NoPatch: true,
		Node: func(ctx context.Context, _ *rest.Client) (*kong.Node, error) { return o.node(ctx, region) },
	})
	if err != nil {
		return nil, err
	}
	return &Driver{d}, nil
}

func (o Options) authorize(r *http.Request) error {
	r.Header.Set("Authorization", "Bearer "+o.Token.Reveal())
	return nil
}

// controlPlane is one as Konnect lists it.
type controlPlane struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Config struct {
		Type string `json:"cluster_type"`
	} `json:"config"`
}

// node reads the control plane. Whether its data planes end keys is not told, so that they are not relied on.
func (o Options) node(ctx context.Context, region *rest.Client) (*kong.Node, error) {
	var plane controlPlane
	err := region.Do(ctx, http.MethodGet, rest.Path("v2", "control-planes", o.ControlPlane), nil, nil, &plane)
	switch {
	case rest.StatusOf(err) == http.StatusNotFound:
		return nil, o.absent(ctx, region, err)
	case err != nil:
		return nil, err
	case plane.ID != o.ControlPlane:
		return nil, o.problem(apierror.ServiceUnavailable, "answers something that is not the control plane; check its address")
	}
	n := &kong.Node{}
	switch plane.Config.Type {
	case "CLUSTER_TYPE_CONTROL_PLANE_GROUP":
		n.ReadOnly = "control plane " + rest.Line(plane.Name) + " is a group, which has no entities of its own; name one of its members"
	case "CLUSTER_TYPE_K8S_INGRESS_CONTROLLER":
		n.ReadOnly = "control plane " + rest.Line(plane.Name) + " belongs to Kubernetes, which alone changes it"
	}
	return n, nil
}

// absent says which control planes there are in place of the one that is not.
func (o Options) absent(ctx context.Context, region *rest.Client, cause error) error {
	var list struct {
		Data []controlPlane `json:"data"`
	}
	if err := region.Do(ctx, http.MethodGet, "/v2/control-planes", nil, nil, &list); err != nil {
		return cause
	}
	var seen []string
	for _, plane := range list.Data {
		seen = append(seen, plane.Name+" ("+plane.ID+")")
	}
	if seen == nil {
		seen = []string{"none"}
	}
	return o.problem(apierror.ServiceUnavailable, "has no control plane %s that the access token may see; it sees %s", o.ControlPlane, rest.Line(strings.Join(seen, ", ")))
}

// explain says what Konnect's errors mean. Entities that are not there are told from addresses that are none by a code.
func (o Options) explain(status int, body []byte) error {
	var said struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
		Details []struct {
			Messages []string `json:"messages"`
		} `json:"details"`
	}
	_ = json.Unmarshal(body, &said) // what cannot be read has no code
	var reasons []string
	for _, detail := range said.Details {
		reasons = append(reasons, detail.Messages...)
	}
	text := rest.Line(strings.Join(reasons, "; "))
	switch {
	case status == http.StatusUnauthorized:
		return o.credentials("does not accept the access token: it is wrong, revoked or expired")
	case status == http.StatusForbidden:
		return o.credentials("refuses: the access token lacks a role at the control plane, or the organization has reached a limit: " + rest.Saying(body))
	case status == http.StatusNotFound && said.Code == nil:
		return o.problem(apierror.ServiceUnavailable, "has no such control plane, or its address is not that of a region")
	case status == http.StatusBadRequest && strings.Contains(text, "(type: unique) constraint failed"):
		return o.problem(apierror.Conflict, "has that already: %s", text)
	case status == http.StatusBadRequest && text != "":
		return o.problem(apierror.Input, "refuses: %s", text)
	}
	return nil
}

func (o Options) credentials(text string) error {
	err := o.problem(apierror.ServiceUnavailable, "%s", text)
	err.Cause = rest.ErrCredentials
	return err
}

func (o Options) problem(name apierror.Name, format string, args ...any) *apierror.Error {
	return apierror.Newf(name, "Konnect "+o.Name+": "+format, args...)
}

var (
	_ driver.Driver     = (*Driver)(nil)
	_ driver.PlanReader = (*Driver)(nil)
)
