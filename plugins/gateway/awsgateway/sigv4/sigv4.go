// Package sigv4 signs requests as AWS wants them: Signature Version 4, with the path encoded twice as all services but S3
// have it.
package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
)

// Signer signs for one service in one region.
type Signer struct {
	AccessKeyID     string
	SecretAccessKey sdk.Secret
	SessionToken    sdk.Secret // of temporary credentials; "" = none
	Region, Service string
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
)

// Sign adds the headers X-Amz-Date and Authorization. It signs the host, the content type and all headers of AWS; what is
// set later is not signed. The body is read by way of GetBody.
func (s Signer) Sign(r *http.Request, now time.Time) error {
	payload, err := body(r)
	if err != nil {
		return fmt.Errorf("sign %s %s: %w", r.Method, r.URL.Path, err)
	}
	r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "+", "%20") // AWS reads a plus as itself
	r.Header.Set("X-Amz-Date", now.UTC().Format(timeFormat))
	if s.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", s.SessionToken.Reveal())
	}
	signed, canonical := headers(r)
	request := strings.Join([]string{r.Method, path(r.URL.EscapedPath()), query(r.URL.RawQuery), canonical, signed, hexHash(payload)}, "\n")
	scope := strings.Join([]string{now.UTC().Format("20060102"), s.Region, s.Service, "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, now.UTC().Format(timeFormat), scope, hexHash([]byte(request))}, "\n")
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, s.AccessKeyID, scope, signed, hex.EncodeToString(mac(s.key(now), text))))
	return nil
}

// key is the one of a day, region and service.
func (s Signer) key(now time.Time) []byte {
	key := []byte("AWS4" + s.SecretAccessKey.Reveal())
	for _, part := range []string{now.UTC().Format("20060102"), s.Region, s.Service, "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func body(r *http.Request) ([]byte, error) {
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return nil, nil
	case r.GetBody == nil:
		data, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(data))
		return data, err
	}
	b, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(b)
}

// headers are the names of the signed headers, and the headers in canonical form, each on a line of its own.
func headers(r *http.Request) (signed, canonical string) {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	values := map[string]string{"host": host}
	for name, list := range r.Header {
		name = strings.ToLower(name)
		if name != "content-type" && !strings.HasPrefix(name, "x-amz-") {
			continue
		}
		trimmed := make([]string, len(list))
		for i, v := range list {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		values[name] = strings.Join(trimmed, ",")
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	return strings.Join(names, ";"), b.String()
}

func path(escaped string) string {
	if escaped == "" {
		return "/"
	}
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	return strings.Join(segments, "/")
}

// query sorts the parameters as they are sent. Their encoding is unified: % and two digits stay, other characters than the
// unreserved ones are encoded.
func query(raw string) string {
	if raw == "" {
		return ""
	}
	type parameter struct{ name, value string }
	var list []parameter
	for pair := range strings.SplitSeq(raw, "&") {
		if name, value, _ := strings.Cut(pair, "="); pair != "" {
			list = append(list, parameter{unify(name), unify(value)})
		}
	}
	slices.SortFunc(list, func(a, b parameter) int {
		if a.name != b.name {
			return strings.Compare(a.name, b.name)
		}
		return strings.Compare(a.value, b.value)
	})
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.name + "=" + p.value
	}
	return strings.Join(texts, "&")
}

// unify decodes a part of a query as far as it can be, and encodes it as AWS does.
func unify(part string) string {
	var decoded []byte
	for i := 0; i < len(part); i++ {
		if part[i] == '%' && i+2 < len(part) {
			if b, err := hex.DecodeString(part[i+1 : i+3]); err == nil {
				decoded = append(decoded, b[0])
				i += 2
				continue
			}
		}
		decoded = append(decoded, part[i])
	}
	return escape(string(decoded))
}

func escape(text string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var b strings.Builder
	for i := range len(text) {
		if strings.IndexByte(unreserved, text[i]) >= 0 {
			b.WriteByte(text[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", text[i])
		}
	}
	return b.String()
}
