// Package rest asks other services. [API] is a small client for JSON APIs of source-code hosts: paths made of segments,
// pages by Link headers, bounded waits where the host limits the rate, and errors with the host's own words. A credential
// is sent to the API's own address and nowhere else, and is in no error. [Exchange] is one request by whatever rules.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Limits of one answer and of one list.
const (
	maxBody  = 32 << 20
	maxPages = 100
)

// API is one host's API for one caller. Safe for concurrent use.
type API struct {
	// Base is the API's root, "https://api.github.com".
	Base string
	// Header is sent with each request. Credential is a header of it that must not be seen.
	Header     http.Header
	Credential string
	Client     *http.Client
	// Explain reads the host's message out of the body of an error, "" = there is none.
	Explain func(body []byte) string
	// Wait waits for d or for the end of ctx; nil = by the clock.
	Wait func(ctx context.Context, d time.Duration) error
	// Patience is how long all waits of a request may take together; 0 = [DefaultPatience].
	Patience time.Duration
}

// Path is a path by its segments, so that no value in it can lead to another resource.
type Path []string

// encode escapes the segments. Those that servers would resolve are refused.
func (p Path) encode() (string, error) {
	var b strings.Builder
	for _, segment := range p {
		if segment == "" || segment == "." || segment == ".." {
			return "", apierror.Inputf("%q cannot be part of an address: name a value that is neither empty nor dots", segment)
		}
		b.WriteByte('/')
		b.WriteString(url.PathEscape(segment))
	}
	return b.String(), nil
}

// Request is one call.
type Request struct {
	Method string
	Path   Path
	Query  url.Values
	Body   any         // sent as JSON; nil = none
	Header http.Header // beside the API's own
}

// Do sends r and decodes the answer into out, unless that is nil or there is no answer. An error of the host is an [*Error].
func (a *API) Do(ctx context.Context, r Request, out any) (http.Header, error) {
	path, err := r.Path.encode()
	if err != nil {
		return nil, err
	}
	target := strings.TrimSuffix(a.Base, "/") + path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	return a.send(ctx, r, target, out)
}

// Get is Do with GET and no body.
func (a *API) Get(ctx context.Context, p Path, out any) error {
	_, err := a.Do(ctx, Request{Method: http.MethodGet, Path: p}, out)
	return err
}

// Post is Do with POST.
func (a *API) Post(ctx context.Context, p Path, in, out any) error {
	_, err := a.Do(ctx, Request{Method: http.MethodPost, Path: p, Body: in}, out)
	return err
}

// Put is Do with PUT.
func (a *API) Put(ctx context.Context, p Path, in, out any) error {
	_, err := a.Do(ctx, Request{Method: http.MethodPut, Path: p, Body: in}, out)
	return err
}

// Patch is Do with PATCH.
func (a *API) Patch(ctx context.Context, p Path, in, out any) error {
	_, err := a.Do(ctx, Request{Method: http.MethodPatch, Path: p, Body: in}, out)
	return err
}

// Delete is Do with DELETE.
func (a *API) Delete(ctx context.Context, p Path) error {
	_, err := a.Do(ctx, Request{Method: http.MethodDelete, Path: p}, nil)
	return err
}

// List reads all pages of a list, as far as Link headers lead on at the API's own address.
func List[T any](ctx context.Context, a *API, p Path, query url.Values) ([]T, error) {
	full := url.Values{"per_page": {"100"}}
	maps.Copy(full, query)
	var all []T
	r := Request{Method: http.MethodGet, Path: p, Query: full}
	var page []T
	header, err := a.Do(ctx, r, &page)
	for pages := 1; ; pages++ {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		next := nextPage(header)
		if next == "" {
			return all, nil
		}
		if pages == maxPages {
			return nil, fmt.Errorf("list %s: there are more than %d pages", strings.Join(p, "/"), maxPages)
		}
		if !a.sameOrigin(next) {
			return nil, fmt.Errorf("list %s: the next page is at another host than the API", strings.Join(p, "/"))
		}
		page = nil
		header, err = a.send(ctx, r, next, &page)
	}
}

// nextPage is the address with rel="next" in a Link header.
func nextPage(h http.Header) string {
	for link := range strings.SplitSeq(h.Get("Link"), ",") {
		target, parameters, _ := strings.Cut(strings.TrimSpace(link), ";")
		if strings.Contains(strings.ReplaceAll(parameters, " ", ""), `rel="next"`) {
			return strings.Trim(strings.TrimSpace(target), "<>")
		}
	}
	return ""
}

func (a *API) sameOrigin(target string) bool {
	base, err := url.Parse(a.Base)
	if err != nil {
		return false
	}
	u, err := url.Parse(target)
	return err == nil && u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host)
}

// attempt sends the request once.
func (a *API) attempt(ctx context.Context, r Request, target string) (Answer, error) {
	var body io.Reader
	if r.Body != nil {
		data, err := json.Marshal(r.Body)
		if err != nil {
			return Answer{}, err
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return Answer{}, err
	}
	for _, header := range []http.Header{a.Header, r.Header} {
		maps.Copy(request.Header, header)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return Exchange(a.Client, request, maxBody)
}

// NewHTTPClient is for one host's API: redirects are followed within its own address and for reading alone, so that no
// credential and no body goes elsewhere.
func NewHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			first := via[0]
			if len(via) > 5 || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host || first.Method != http.MethodGet && first.Method != http.MethodHead {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}
