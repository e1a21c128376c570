package apisix

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Labels of what the driver makes.
const (
	ours        = "portal"
	ofApp       = "portal-app"
	ofAPI       = "portal-api"
	ofOperation = "portal-op"
	ofPrefix    = "portal-prefix" // of a key's secret
	ofHash      = "portal-hash"   // tells whether APISIX shows a key as it was given
	ofSuspended = "portal-suspended"
)

// EnsureConsumer implements [driver.Driver]. A consumer of that name which the portal did not make is a conflict.
func (d *Driver) EnsureConsumer(ctx context.Context, app driver.App) error {
	if app.ID == "" {
		return d.problem(apierror.Input, "an application needs an id")
	}
	known, err := d.known(ctx, app.ID)
	if err != nil || known {
		return err
	}
	return d.put(ctx, map[string]any{
		"username": string(app.ID), "desc": asDesc(app.Name), "labels": map[string]string{ours: "true", ofApp: string(app.ID)},
	}, nil, "consumers")
}

// known reports whether an application has a consumer.
func (d *Driver) known(ctx context.Context, app driver.AppID) (bool, error) {
	c, err := one[consumer](ctx, d, "consumers", string(app))
	if missing(err) {
		return false, nil
	}
	if err == nil && c.Labels[ofApp] != string(app) {
		err = d.problem(apierror.Conflict, "has a consumer %s that the portal did not make; rename it, or the application", app)
	}
	return err == nil, err
}

var unfit = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// username is the consumer of an application for an API. Ids of applications have no underscores, so that it is told from all
// others; an API's id that consumers' names cannot have is marked by a part of its hash.
func username(app driver.AppID, api driver.APIID) string {
	name := unfit.ReplaceAllString(string(api), "_")
	if name != string(api) || len(name) > 50 {
		sum := sha256.Sum256([]byte(api))
		name = name[:min(len(name), 40)] + "_" + hex.EncodeToString(sum[:4])
	}
	return string(app) + "__" + name
}

// Metered implements [driver.Metered].
func (d *Driver) Metered(app driver.AppID, api driver.APIID) string { return username(app, api) }

// consumerFor reads the consumer of an application for an API.
func (d *Driver) consumerFor(ctx context.Context, app driver.AppID, api driver.APIID) (consumer, error) {
	c, err := one[consumer](ctx, d, "consumers", username(app, api))
	if err == nil && (c.Labels[ofApp] != string(app) || c.Labels[ofAPI] != string(api)) {
		err = d.problem(apierror.Conflict, "has a consumer %s that the portal did not make", username(app, api))
	}
	return c, err
}

// putConsumer writes the consumer of an application for an API, in a group or in none.
func (d *Driver) putConsumer(ctx context.Context, app driver.AppID, api driver.APIID, group string) error {
	value := map[string]any{
		"username": username(app, api), "labels": map[string]string{ours: "true", ofApp: string(app), ofAPI: string(api)},
	}
	if group != "" {
		value["group_id"] = group
	}
	return d.put(ctx, value, nil, "consumers")
}

// asDesc is a text as a description can hold it.
func asDesc(text string) string { return excerpt.Line(text, 200) }
