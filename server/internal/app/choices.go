package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/trigger"
	"github.com/callboard/callboard/server/internal/urlreader"
)

// readableDocuments are documents by URL as choices of forms need them.
type readableDocuments struct{ urls *urlreader.Reader }

func (r readableDocuments) Document(ctx context.Context, url string) ([]byte, error) {
	d, err := r.urls.ReadURL(ctx, url, "")
	return d.Data, err
}

// ownRoutes asks a route under /api of this host, a plugin's or a feature's, in the name of whoever fills in a form. It
// takes the same way as a request from outside, so the same rules hold.
type ownRoutes struct {
	edge http.Handler
	auth *auth.Service
}

func (o ownRoutes) Get(ctx context.Context, p *principal.Principal, plugin, path string) ([]byte, error) {
	if strings.EqualFold(plugin, "auth") {
		return nil, apierror.NotAllowedf("choices do not come from the routes of sign-in")
	}
	if p.Kind == principal.Service && p.Token == "" { // one of the host's own, such as a trigger: no token can name it
		p = principal.Host("scaffolder")
	}
	token, err := o.auth.PluginToken(ctx, "scaffolder", plugin, p)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/api/"+plugin+path, nil)
	if err != nil {
		return nil, fmt.Errorf("the path %q is no path", path)
	}
	r.Header.Set("Accept", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := httpx.Ask(o.edge, r, maxAnswer)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, fmt.Errorf("answered %d %s", answer.Status, http.StatusText(answer.Status))
	}
	return answer.Body, nil
}

// maxAnswer is beyond what choices take, so that their own limit is the one that is told.
const maxAnswer = 2 << 20

// catalogChanges tells triggers what changed in the catalog.
type catalogChanges struct{ catalog *catalog.Engine }

func (c catalogChanges) Newest(ctx context.Context) (int64, error) {
	return c.catalog.NewestChange(ctx)
}

func (c catalogChanges) Changed(ctx context.Context, after int64, limit int, configured any) ([]trigger.Change, int64, error) {
	filter, err := index.ReadFilter(configured)
	if err != nil {
		return nil, after, err
	}
	changes, err := c.catalog.Changes(ctx, after, limit)
	if err != nil {
		return nil, after, err
	}
	last := after
	var fitting []trigger.Change
	for _, change := range changes {
		last = change.Seq
		if change.Doc == nil {
			continue
		}
		rows, err := index.RowsOf(change.Doc.JSON)
		if err != nil {
			return nil, after, fmt.Errorf("entity %s: %w", change.Doc.Ref, err)
		}
		if filter.Matches(rows) {
			fitting = append(fitting, trigger.Change{Seq: change.Seq, Entity: change.Doc.JSON})
		}
	}
	return fitting, last, nil
}
