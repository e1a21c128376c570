package intake

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// S3 is a bucket, or a part of one, of AWS or of another storage that speaks its protocol. Keys are read with ListObjectsV2
// and GetObject, nothing is written.
type S3 struct {
	HTTP     *http.Client
	Endpoint string // such as https://s3.eu-north-1.amazonaws.com; the bucket comes after it
	Bucket   string
	Prefix   string // only keys that begin with it; with a slash at its end a folder
	Region   string // us-east-1 when empty
	// AccessKey and SecretKey sign requests; without them the bucket must be open.
	AccessKey    string
	SecretKey    sdk.Secret
	SessionToken sdk.Secret
	Now          func() time.Time // time.Now when nil
}

// Name implements [Place].
func (s *S3) Name() string { return "s3://" + s.Bucket + "/" + s.Prefix }

// Origin implements [Place].
func (s *S3) Origin() string { return FromS3 }

// Settles implements [Place]: an object is seen once it is whole.
func (s *S3) Settles() bool { return false }

// listing is a page of ListObjectsV2.
type listing struct {
	IsTruncated           bool
	NextContinuationToken string
	Contents              []struct {
		Key          string
		LastModified time.Time
		ETag         string
		Size         int64
	}
}

const longestPage = 8 << 20

// List implements [Place]. Names are keys without the prefix.
func (s *S3) List(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		token, n := "", 0
		for {
			page, err := s.page(ctx, token)
			if err != nil {
				yield(Object{}, fmt.Errorf("list %s: %w", s.Name(), err))
				return
			}
			for _, c := range page.Contents {
				name := strings.TrimPrefix(c.Key, s.Prefix)
				if name == "" || strings.HasSuffix(name, "/") {
					continue // a folder's marker
				}
				if n++; n > mostFiles {
					yield(Object{}, apierror.Inputf("%s has more than %d objects; choose a narrower prefix", s.Name(), mostFiles))
					return
				}
				if !yield(Object{Name: name, Size: c.Size, Modified: c.LastModified, Tag: c.ETag}, nil) {
					return
				}
			}
			if !page.IsTruncated || page.NextContinuationToken == token {
				return
			}
			token = page.NextContinuationToken
		}
	}
}

func (s *S3) page(ctx context.Context, token string) (listing, error) {
	q := url.Values{"list-type": {"2"}, "prefix": {s.Prefix}, "max-keys": {"1000"}}
	if token != "" {
		q.Set("continuation-token", token)
	}
	res, err := s.get(ctx, "", q, "")
	if err != nil {
		return listing{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, longestPage))
	if err != nil {
		return listing{}, unavailable("the listing breaks off", err)
	}
	var page struct {
		XMLName xml.Name `xml:"ListBucketResult"`
		listing
	}
	if err := xml.Unmarshal(text, &page); err != nil {
		return listing{}, apierror.Newf(apierror.ServiceUnavailable, "the answer is no listing of a bucket: %s", excerpt.Short(string(text)))
	}
	return page.listing, nil
}

// Open implements [Place]. It fails when the object has changed since it was listed.
func (s *S3) Open(ctx context.Context, o Object) (io.ReadCloser, error) {
	res, err := s.get(ctx, s.Prefix+o.Name, nil, o.Tag) //nolint:bodyclose // who reads the object closes it
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", s.Prefix+o.Name, err)
	}
	return &object{res.Body, res.ContentLength, 0}, nil
}

// object notices a body that ends too early, however the connection did.
type object struct {
	io.ReadCloser

	size, n int64
}

func (o *object) Read(b []byte) (int, error) {
	n, err := o.ReadCloser.Read(b)
	o.n += int64(n)
	switch {
	case errors.Is(err, io.EOF) && o.size >= 0 && o.n < o.size:
		return n, unavailable("the object breaks off", io.ErrUnexpectedEOF)
	case err != nil && !errors.Is(err, io.EOF):
		return n, unavailable("the object breaks off", err)
	}
	return n, err
}

func unavailable(what string, err error) error {
	return apierror.Wrap(apierror.ServiceUnavailable, what+": "+err.Error(), err)
}

// get sends one request. Redirects are not followed: a signature holds for one host.
func (s *S3) get(ctx context.Context, key string, q url.Values, match string) (*http.Response, error) {
	address := strings.TrimSuffix(s.Endpoint, "/") + "/" + escapePath(s.Bucket) + "/" + escapePath(key)
	if len(q) > 0 {
		address += "?" + canonicalQuery(q)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, apierror.Inputf("endpoint %q: %v", s.Endpoint, err)
	}
	req.Header.Set("Accept-Encoding", "identity") // files come as they are stored
	if match != "" {
		req.Header.Set("If-Match", match)
	}
	if s.AccessKey != "" {
		s.sign(req)
	}
	client := *s.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil || apierror.Has(err, apierror.NotAllowed) {
			return nil, err
		}
		return nil, unavailable("the storage is not reached", err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, s.refusal(res)
	}
	return res, nil
}

// refusal says in words why the storage refuses.
func (s *S3) refusal(res *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // what there is of it
	var e struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}
	if xml.Unmarshal(text, &e) != nil {
		e.Code, e.Message = res.Status, excerpt.Short(strings.TrimSpace(string(text)))
	}
	why := e.Code + ": " + excerpt.Short(e.Message)
	switch res.StatusCode {
	case http.StatusForbidden, http.StatusUnauthorized:
		who := "requests without a key"
		if s.AccessKey != "" {
			who = "the access key " + s.AccessKey
		}
		return apierror.Newf(apierror.NotAllowed, "the storage refuses %s, which needs s3:ListBucket and s3:GetObject on bucket %s (%s)", who, s.Bucket, why)
	case http.StatusNotFound:
		return apierror.NotFoundf("the storage knows no such bucket or object (%s)", why)
	case http.StatusPreconditionFailed:
		return apierror.Newf(apierror.ServiceUnavailable, "the object has changed since it was listed")
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusFound:
		return apierror.Inputf("the bucket is in another region: set endpoint and region to %s (%s)", res.Header.Get("X-Amz-Bucket-Region"), why)
	}
	return apierror.Newf(apierror.ServiceUnavailable, "the storage answers %s (%s)", res.Status, why)
}

func (s *S3) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

var _ Place = (*S3)(nil)
