package kong

import (
	"context"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk/apierror"
)

// EnsureConsumer implements [driver.Driver]. A consumer of that name which the portal did not make is a conflict: its keys
// would be given what it may do.
func (d *Driver) EnsureConsumer(ctx context.Context, app driver.App) error {
	if app.ID == "" {
		return d.problem(apierror.Input, "an application needs an id")
	}
	n, err := d.writable(ctx)
	if err != nil {
		return err
	}
	id := consumerID(app.ID)
	var there consumer
	switch err := d.get(ctx, &there, consumers.path, id); {
	case err == nil && there.ID != id:
		return d.unavailable("answers something that is not the consumer that was asked for")
	case err == nil && n.Declarative: // on other nodes it may not be there yet
	case !missing(err):
		return err
	}
	err = d.apply(ctx, n, change{verb: put, kind: consumers, id: id, body: map[string]any{
		"username": string(app.ID), "custom_id": string(app.ID), "tags": []any{ours, ofApp + string(app.ID)},
	}})
	if apierror.Has(err, apierror.Conflict) {
		return apierror.Wrap(apierror.Conflict, "Kong "+d.options.Name+" has a consumer "+string(app.ID)+" that the portal did not make; rename it, or the application", err)
	}
	return err
}

func consumerID(app driver.AppID) string { return stableID("consumer", string(app)) }

// appsByConsumer are the applications that Kong knows, by the ids of their consumers.
func (d *Driver) appsByConsumer(ctx context.Context) (map[string]driver.AppID, error) {
	apps := map[string]driver.AppID{}
	for c, err := range list[consumer](ctx, d, "/consumers") {
		if err != nil {
			return nil, err
		}
		if app := driver.AppID(tagged(c.Tags, ofApp)); app != "" && has(c.Tags, ours) {
			apps[c.ID] = app
		}
	}
	return apps, nil
}

// tagged is what follows a prefix in one of the tags, "" = there is none.
func tagged(tags []string, prefix string) string {
	for _, tag := range tags {
		if rest, is := strings.CutPrefix(tag, prefix); is {
			return rest
		}
	}
	return ""
}
