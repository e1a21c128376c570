package catalog

import (
	"context"

	"github.com/callboard/callboard/server/internal/urlreader"
)

// URLReader reads documents and trees by URL with the credentials and limits that the configuration grants
// (integrations, backend.reading.allow). The urlreader feature implements it.
//
// Laws: safe for concurrent use; every fetch honours ctx; nothing outside the allow-list and the configured integrations
// is ever dialled, redirects included; a body larger than the configured limit is an InputError, not a truncated body.
// Errors: NotFoundError when the document does not exist (HTTP 404 and 410), NotModifiedError when etag is not "" and
// still current, NotAllowedError when the host may not be read, otherwise an error whose text may be shown to people.
type URLReader interface {
	// ReadURL reads one document. etag is the one returned by an earlier read of the same URL, or "".
	ReadURL(ctx context.Context, url, etag string) (URLDocument, error)
	// Search lists the files that url names: one when its path is not a glob, else all matches in the repository tree.
	// A single missing file is no files and no error. A reader that cannot search trees refuses a glob with an error.
	Search(ctx context.Context, url, etag string) (URLFiles, error)
}

type (
	// URLDocument is what a [URLReader] answers for one document.
	URLDocument = urlreader.Document
	// URLFiles is what it answers for a search.
	URLFiles = urlreader.Files
	// URLFile is one of them; its Content may be called by up to five goroutines for one search.
	URLFile = urlreader.File
)

// Integrations knows the source-code hosts of the configuration and the shape of their URLs.
type Integrations interface {
	// ResolveURL resolves url, which may be relative, against base: an absolute URL stays, a leading "/" starts at the
	// root of the repository that base is in, anything else is relative to base. The query of base is kept for
	// relative results. Hosts without an integration follow the WHATWG rules.
	ResolveURL(url, base string) (string, error)
	// EditURL is the page where a person edits the file behind url, "" when no integration knows its host.
	EditURL(url string) string
	// SourceURL is the folder that holds the file behind url, as the host shows it (GitHub: …/tree/main/dir/), "" when no
	// integration knows its host.
	SourceURL(url string) string
	// Repository is a name for the repository that url points into ("github.com/org/repo"), or "" when url is not a
	// URL of a known repository host. Placeholders may not leave the repository of their entity.
	Repository(url string) string
}
