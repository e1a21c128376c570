package urlreader

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
)

// Document is the content behind a URL and the tag that recognises it again.
type Document struct {
	Data []byte
	ETag string // "" when the source has none
}

// Files are the matches of a search, in the order of their paths, and one tag for the whole answer.
type Files struct {
	Files []File
	ETag  string
}

// File is one match. Content reads when called; it may be called by several goroutines for one search.
type File struct {
	URL     string
	Content func(ctx context.Context) ([]byte, error)
}

// Limits of one read; the defaults are those of the design.
const (
	defaultMaxSize = 10 << 20
	defaultTimeout = 30 * time.Second
)

// Reader reads by URL. It is safe for concurrent use.
type Reader struct {
	integrations integrations
	allow        []allowRule
	client       *http.Client
	maxSize      int64
}

// New reads integrations, backend.reading.allow and callboard.reading.{maxSize,timeout}. Mistakes are reported through
// cfg.Err.
func New(cfg *config.Config) *Reader {
	own := cfg.Section("callboard.reading")
	r := &Reader{
		integrations: readIntegrations(cfg.Section("integrations")),
		allow:        readAllowRules(cfg.Section("backend.reading")),
		maxSize:      int64(own.Int("maxSize", defaultMaxSize)),
	}
	r.client = &http.Client{
		Timeout:   own.Duration("timeout", defaultTimeout),
		Transport: guardedTransport(r.named),
		// Redirects are followed by fetch, which checks each hop.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return r
}

// named reports whether the configuration names that host exactly, so that it may be on a private network.
func (r *Reader) named(host string) bool {
	if r.integrations.hasEndpoint(host) {
		return true
	}
	for _, rule := range r.allow {
		if rule.names(host) {
			return true
		}
	}
	return false
}

// ReadURL reads one document. etag is the one of an earlier read, or "". Errors: NotFoundError, NotModifiedError,
// NotAllowedError when the host may not be read, InputError for what is not a readable URL or is larger than the limit.
func (r *Reader) ReadURL(ctx context.Context, target, etag string) (Document, error) {
	u, err := parse(target)
	if err != nil {
		return Document{}, err
	}
	if host := r.integrations.forHost(u.Host); host != nil {
		return host.read(ctx, r, u, etag)
	}
	if !r.allowed(u) {
		return Document{}, NotAllowed(target)
	}
	return r.fetch(ctx, u, etag, nil)
}

// Search lists the files that a URL names: one when its path is not a glob, else every match in the repository tree.
// A single missing file is no files and no error. Hosts without a tree refuse globs.
func (r *Reader) Search(ctx context.Context, target, etag string) (Files, error) {
	u, err := parse(target)
	if err != nil {
		return Files{}, err
	}
	host := r.integrations.forHost(u.Host)
	if host != nil && isGlob(u.Path) {
		return host.search(ctx, r, u, etag)
	}
	if host == nil && r.allowed(u) && strings.ContainsRune(u.Path, '*') {
		return Files{}, apierror.New(apierror.Generic, "Unsupported search pattern URL")
	}
	doc, err := r.ReadURL(ctx, target, etag)
	if apierror.Has(err, apierror.NotFound) {
		return Files{}, nil
	}
	if err != nil {
		return Files{}, err
	}
	content := func(context.Context) ([]byte, error) { return doc.Data, nil }
	return Files{Files: []File{{URL: target, Content: content}}, ETag: doc.ETag}, nil
}

// parse reads a URL as browsers do: blanks around it do not count, a percent sign may stand alone. Credentials in a URL
// are refused without repeating them.
func parse(target string) (*url.URL, error) {
	if !entity.ValidURL(target) {
		return nil, errInvalidURL()
	}
	trimmed := strings.TrimFunc(target, func(r rune) bool { return r <= ' ' })
	u, err := url.Parse(trimmed)
	if err != nil {
		u, err = url.Parse(lonePercent.ReplaceAllString(trimmed, "%25$1"))
	}
	if err != nil {
		return nil, errInvalidURL()
	}
	if u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, NotAllowed(target)
	}
	if u.User != nil {
		return nil, apierror.Inputf("Cannot read a URL of %s: credentials in a URL are not accepted, configure an integration", u.Host)
	}
	return u, nil
}

func errInvalidURL() error { return apierror.TypeErrorf("Invalid URL") }

// lonePercent is a percent sign that begins no escape.
var lonePercent = regexp.MustCompile("%($|[^0-9A-Fa-f]|[0-9A-Fa-f]($|[^0-9A-Fa-f]))")

// NotAllowed is the error for what the configuration does not let anybody read.
func NotAllowed(target string) error {
	return apierror.NotAllowedf("Reading from '%s' is not allowed. You may need to configure an integration for the target host, or add it to the configured list of allowed hosts at 'backend.reading.allow'", target)
}

// isGlob reports what the reference takes for a pattern: wildcards, braces with a comma, classes, negations.
func isGlob(path string) bool {
	if strings.ContainsAny(path, "*?") || strings.Contains(path, "!(") {
		return true
	}
	open := strings.IndexByte(path, '{')
	if open >= 0 && strings.IndexByte(path[open:], '}') > 0 && strings.Contains(path[open:], ",") {
		return true
	}
	open = strings.IndexByte(path, '[')
	return open >= 0 && strings.IndexByte(path[open:], ']') > 0
}
