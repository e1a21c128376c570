package catalog

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// urlProcessor reads url locations. A source with an ETag is asked whether it has changed.
type urlProcessor struct {
	urls   URLReader
	limits cataloginfo.Limits
}

// urlsAtOnce bounds the files of one search that are fetched at the same time.
const urlsAtOnce = 5

func (urlProcessor) Name() string { return "url-reader" }

func (u urlProcessor) ReadLocation(ctx context.Context, p *Processing, loc LocationTarget) (bool, error) {
	if loc.Type != urlLocation {
		return false, nil
	}
	key := "etag:" + loc.Target
	etag, _ := p.Remembered(key).(string)
	asked := etag
	if p.Fresh() {
		asked = ""
	}
	files, contents, err := u.fetch(ctx, loc.Target, asked)
	switch {
	case err == nil:
	case apierror.Has(err, apierror.NotModified) && asked != "":
		p.Remember(key, etag)
		p.Unchanged()
		return true, nil
	case apierror.Has(err, apierror.NotFound):
		if !loc.Optional {
			p.Error(apierror.New(apierror.NotFound, unreadable(err)))
		}
		return true, nil
	default:
		p.Error(apierror.New(apierror.Generic, unreadable(err)))
		return true, nil
	}
	if len(files.Files) == 0 && !loc.Optional {
		p.Error(apierror.NotFoundf("Unable to read url, no matching files found for %s", loc.Target))
	}
	for i, data := range contents {
		parseEntities(p, entity.Location{Type: urlLocation, Target: files.Files[i].URL}, data, u.limits)
	}
	if files.ETag != "" {
		p.Remember(key, files.ETag)
	}
	p.RefreshKey("url:" + loc.Target)
	return true, nil
}

func (u urlProcessor) fetch(ctx context.Context, target, etag string) (URLFiles, [][]byte, error) {
	files, err := u.urls.Search(ctx, target, etag)
	if err != nil {
		return URLFiles{}, nil, err
	}
	contents := make([][]byte, len(files.Files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(urlsAtOnce)
	for i, f := range files.Files {
		group.Go(func() error {
			data, err := f.Content(ctx)
			if err == nil && len(data) > u.limits.FileBytes {
				err = fmt.Errorf("%s: %w", f.URL, tooLarge(len(data), u.limits.FileBytes))
			}
			contents[i] = data
			return err
		})
	}
	return files, contents, group.Wait()
}

// unreadable is the reference's text for a URL that could not be read: the cause without its name, cut at 5000 bytes.
func unreadable(err error) string {
	text := err.Error()
	if e, ok := err.(*apierror.Error); ok { //nolint:errorlint // only the outermost text is shown
		text = e.Message
	}
	text = "Unable to read url, " + text
	if len(text) > 5000 {
		text = text[:5000]
	}
	return text
}

func tooLarge(size, limit int) error {
	return apierror.Inputf("the file has %d bytes, more than the %d that callboard.catalog.maxFileSize allows", size, limit)
}

var _ LocationReader = urlProcessor{}
