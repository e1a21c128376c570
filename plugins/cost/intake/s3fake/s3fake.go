// Package s3fake is a bucket that speaks as much of S3 as reading bills needs: ListObjectsV2 with prefixes and pages, and
// GetObject with If-Match. It fails on demand.
package s3fake

import (
	"crypto/md5" //nolint:gosec // what S3 makes ETags of
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bucket serves one bucket, at /<name>/<key>. It is safe for concurrent use.
type Bucket struct {
	Name      string
	PageSize  int    // 1000 when 0
	AccessKey string // that requests must be signed with; any when empty

	mu      sync.Mutex
	objects map[string]stored
	fail    func(*http.Request) (status int, body string)
	cut     string
	listed  int
	got     int
}

type stored struct {
	content  []byte
	tag      string
	modified time.Time
}

// Put stores an object.
func (b *Bucket) Put(key string, content []byte, modified time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.objects == nil {
		b.objects = map[string]stored{}
	}
	sum := md5.Sum(content) //nolint:gosec // as above
	b.objects[key] = stored{slices.Clone(content), `"` + hex.EncodeToString(sum[:]) + `"`, modified.UTC()}
}

// Delete removes an object.
func (b *Bucket) Delete(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
}

// Fail has requests be answered by f, unless it says status 0. nil ends that.
func (b *Bucket) Fail(f func(*http.Request) (status int, body string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = f
}

// Cut has the connection break in the middle of an object; "" ends that.
func (b *Bucket) Cut(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = key
}

// Requests is how many pages were listed and objects got.
func (b *Bucket) Requests() (listed, got int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.listed, b.got
}

// ServeHTTP implements [http.Handler].
func (b *Bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if status, body := b.fail(r); status != 0 {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return
		}
	}
	if b.AccessKey != "" && !strings.Contains(r.Header.Get("Authorization"), "Credential="+b.AccessKey+"/") {
		refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied")
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	case bucket != b.Name:
		refuse(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case key == "":
		b.list(w, r)
	default:
		b.get(w, r, key)
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>", code, message)
}

type content struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
	StorageClass string
}

type result struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	ContinuationToken     string    `xml:",omitempty"`
	NextContinuationToken string    `xml:",omitempty"`
	Contents              []content `xml:"Contents"`
}

// list answers a page. The token is the last key of the page before.
func (b *Bucket) list(w http.ResponseWriter, r *http.Request) {
	b.listed++
	q := r.URL.Query()
	if q.Get("list-type") != "2" {
		refuse(w, http.StatusNotImplemented, "NotImplemented", "Only ListObjectsV2 is known")
		return
	}
	most, _ := strconv.Atoi(q.Get("max-keys"))
	size := b.PageSize
	if size == 0 {
		size = 1000
	}
	if most > 0 {
		size = min(size, most)
	}
	page := result{Name: b.Name, Prefix: q.Get("prefix"), MaxKeys: size, ContinuationToken: q.Get("continuation-token")}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(key, page.Prefix) || key <= page.ContinuationToken {
			continue
		}
		if len(page.Contents) == size {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[size-1].Key
			break
		}
		o := b.objects[key]
		page.Contents = append(page.Contents, content{key, o.modified.Format("2006-01-02T15:04:05.000Z"), o.tag, len(o.content), "STANDARD"})
	}
	page.KeyCount = len(page.Contents)
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write([]byte(xml.Header))
	_ = xml.NewEncoder(w).Encode(page) // the caller may have gone
}

func (b *Bucket) get(w http.ResponseWriter, r *http.Request, key string) {
	b.got++
	o, found := b.objects[key]
	if !found {
		refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != o.tag {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		return
	}
	w.Header().Set("ETag", o.tag)
	w.Header().Set("Content-Length", strconv.Itoa(len(o.content)))
	w.Header().Set("Last-Modified", o.modified.Format(http.TimeFormat))
	if key == b.cut {
		_, _ = w.Write(o.content[:len(o.content)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(o.content)
}
