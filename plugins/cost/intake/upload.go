package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Upload answers POST …?source=&period=&run= whose body is a bill: CSV, CSV in gzip (as the file, or by Content-Encoding), or
// Parquet. The body is read as it comes and never held as a whole. The answer is the job, once it has ended; meanwhile Jobs
// and Watch tell of it. Whoever may call has been decided before.
func (i *Intake) Upload(w http.ResponseWriter, r *http.Request) {
	job, err := i.upload(w, r)
	if err != nil {
		if apierror.Has(err, apierror.ServiceUnavailable) {
			w.Header().Set("Retry-After", "30")
		}
		sdk.WriteError(w, r, err)
		return
	}
	sdk.WriteJSON(w, http.StatusCreated, job)
}

func (i *Intake) upload(w http.ResponseWriter, r *http.Request) (Job, error) {
	d, err := i.uploaded(r)
	if err != nil {
		return Job{}, err
	}
	select {
	case i.slot <- struct{}{}:
	default: // a body that nobody reads would time out
		return Job{}, apierror.Newf(apierror.ServiceUnavailable, "%d imports are running; try again when one of them has ended", slots)
	}
	defer func() { <-i.slot }()
	size := max(0, r.ContentLength)
	if size > i.o.MaxBytes {
		return Job{}, apierror.Inputf("the body has %d bytes, more than %d", size, i.o.MaxBytes)
	}
	body := http.MaxBytesReader(w, r.Body, i.o.MaxBytes)
	d.Files = []File{{Name: "body", Size: size, Open: func(context.Context) (io.ReadCloser, error) { return bodyReader{body}, nil }}}
	return i.run(r.Context(), d, func(p *progress) (ledger.Import, error) { return i.files(r.Context(), d, p) })
}

// bodyReader makes errors of a body that callers understand.
type bodyReader struct{ io.ReadCloser }

func (b bodyReader) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = apierror.Inputf("the body has more than %d bytes", large.Limit)
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		err = apierror.Wrap(apierror.Input, "the upload broke off before its end", err)
	}
	return n, err
}

// uploaded reads what the request says about its body.
func (i *Intake) uploaded(r *http.Request) (Delivery, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Delivery{}, apierror.Inputf("query: %v", err)
	}
	d := Delivery{Source: q.Get("source"), Run: q.Get("run"), Origin: FromUpload}
	if err := CheckSource(d.Source); err != nil {
		return d, err
	}
	if period := q.Get("period"); period != "" {
		if d.Period, err = ledger.ParsePeriod(period); err != nil {
			return d, fmt.Errorf("period: %w", err)
		}
	}
	if d.Run == "" {
		d.Run = i.now().UTC().Format(time.RFC3339)
	}
	if len(d.Run) > 200 {
		return d, apierror.Inputf("run: it must have at most 200 bytes")
	}
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity", "gzip", "x-gzip": // gzip is known by its first bytes
	default:
		return d, apierror.Inputf("Content-Encoding: %q is not known; send the file as it is, or in gzip", excerpt.Short(encoding))
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasPrefix(kind, "multipart/") {
		return d, apierror.Inputf("Content-Type: send the file itself as the body, not a form")
	}
	return d, nil
}

// CheckSource says whether a source may be called so: at most 100 bytes, without control characters.
func CheckSource(name string) error {
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, unicode.IsControl) || strings.TrimSpace(name) != name {
		return apierror.Inputf("source: %q is no name of a source; it needs 1 to 100 bytes, without control characters and blanks around them", excerpt.Short(name))
	}
	return nil
}
