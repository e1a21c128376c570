package urlreader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

const maxRedirects = 5

// fetch reads a plain URL. Each redirect must be allowed like the first URL, and headers with credentials are not sent
// to another host.
func (r *Reader) fetch(ctx context.Context, u *url.URL, etag string, headers http.Header) (Document, error) {
	first := u
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return Document{}, err
		}
		if u.Host == first.Host {
			req.Header = headers.Clone()
		}
		if req.Header == nil {
			req.Header = http.Header{}
		}
		if etag != "" {
			req.Header.Set("If-None-Match", etag)
		}
		res, err := r.client.Do(req)
		if err != nil {
			return Document{}, fmt.Errorf("Unable to read %s, %w", first, innermost(err))
		}
		location := res.Header.Get("Location")
		if res.StatusCode/100 != 3 || res.StatusCode == http.StatusNotModified || location == "" {
			return r.document(res, first)
		}
		res.Body.Close()
		next, err := u.Parse(location)
		if err != nil {
			return Document{}, fmt.Errorf("Unable to read %s, it redirects to what is not a URL", first)
		}
		if !r.allowed(next) && (next.Host != first.Host || r.allowed(first)) {
			return Document{}, fmt.Errorf("URL not allowed by backend.reading.allow configuration: %s", next)
		}
		u = next
	}
	return Document{}, fmt.Errorf("Too many redirects (max %d) when reading %s", maxRedirects, first)
}

func (r *Reader) document(res *http.Response, u *url.URL) (Document, error) {
	defer res.Body.Close()
	if err := statusError(res, u.String()); err != nil {
		return Document{}, err
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, r.maxSize+1))
	if err != nil {
		return Document{}, fmt.Errorf("Unable to read %s, %w", u, err)
	}
	if int64(len(data)) > r.maxSize {
		return Document{}, apierror.Inputf("Unable to read %s, it is larger than the limit of %d bytes (callboard.reading.maxSize)", u, r.maxSize)
	}
	return Document{Data: data, ETag: res.Header.Get("ETag")}, nil
}

func statusError(res *http.Response, target string) error {
	switch {
	case res.StatusCode/100 == 2:
		return nil
	case res.StatusCode == http.StatusNotModified:
		return apierror.New(apierror.NotModified, "")
	}
	message := fmt.Sprintf("could not read %s, %s", target, res.Status)
	switch {
	case res.StatusCode == http.StatusNotFound:
		return apierror.New(apierror.NotFound, message)
	case rateLimited(res):
		return errors.New(message + " (rate limit exceeded)")
	}
	return errors.New(message)
}

// rateLimited goes by what GitHub says; plain hosts only have their status.
func rateLimited(res *http.Response) bool {
	switch remaining := res.Header.Get("X-Ratelimit-Remaining"); res.StatusCode {
	case http.StatusTooManyRequests:
		return remaining != ""
	case http.StatusForbidden:
		return remaining == "0"
	}
	return false
}

// innermost takes the URL out of a client error: it is told once, by the caller.
func innermost(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// safeSegments refuses paths that climb, also when the dots are encoded: they would name another repository's API.
func safeSegments(u *url.URL) error {
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		for range 3 {
			if segment == ".." || segment == "." {
				return apierror.Inputf("Cannot read %s: the path must not contain . or .. segments", u.Redacted())
			}
			decoded, err := url.PathUnescape(segment)
			if err != nil || decoded == segment {
				break
			}
			if strings.ContainsAny(decoded, "/\\") {
				return apierror.Inputf("Cannot read %s: the path must not contain encoded slashes", u.Redacted())
			}
			segment = decoded
		}
	}
	return nil
}
