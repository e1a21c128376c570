package tryit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// Bounds of confirmations.
const (
	confirmable = 2 * time.Minute
	mostUsed    = 50_000 // tokens that were used and still hold
	nonceBytes  = 16
)

// confirmations issues tokens for requests and takes each once. A token is time, nonce and a code over both and the
// request; only those that were used are kept, until they would not hold anyway.
type confirmations struct {
	key [sha256.Size]byte

	mu   sync.Mutex
	used map[[nonceBytes]byte]time.Time // until when
}

func newConfirmations() *confirmations {
	c := &confirmations{used: map[[nonceBytes]byte]time.Time{}}
	_, _ = rand.Read(c.key[:]) // never fails
	return c
}

// digest is what a token is bound to: who asks, through which session of an embedding page, for which entity, and every byte that would be sent.
func digest(p *principal.Principal, ref, operation string, c *call) []byte {
	id, app, page := "", "", ""
	if c.credential != nil {
		id = c.credential.ID
	}
	if p.Embed != nil {
		app, page = p.Embed.App, p.Embed.Session
	}
	text, _ := json.Marshal([]any{p.Kind.String(), p.Subject, p.Actor, app, page, ref, operation, c.server.URL.String(), c.method, c.url.String(), c.headers, id, c.contentType, []byte(c.body)})
	sum := sha256.Sum256(text)
	return sum[:]
}

func (c *confirmations) issue(digest []byte, now time.Time) (token string, expires time.Time) {
	expires = now.Add(confirmable).Truncate(time.Second)
	raw := make([]byte, 8+nonceBytes, 8+nonceBytes+sha256.Size)
	binary.BigEndian.PutUint64(raw, uint64(expires.Unix())) // times after 1970
	_, _ = rand.Read(raw[8:])
	return base64.RawURLEncoding.EncodeToString(append(raw, c.code(raw, digest)...)), expires
}

func (c *confirmations) code(head, digest []byte) []byte {
	mac := hmac.New(sha256.New, c.key[:])
	_, _ = mac.Write(head)
	_, _ = mac.Write(digest)
	return mac.Sum(nil)
}

// take reports whether token confirms the request, for the first time.
func (c *confirmations) take(token string, digest []byte, now time.Time) (bool, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 8+nonceBytes+sha256.Size {
		return false, nil // it is no token, so another one is issued
	}
	head := raw[:8+nonceBytes]
	expires := time.Unix(int64(binary.BigEndian.Uint64(head)), 0) // checked by the code
	if !hmac.Equal(raw[8+nonceBytes:], c.code(head, digest)) || !now.Before(expires) {
		return false, nil
	}
	nonce := [nonceBytes]byte(head[8:])
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, again := c.used[nonce]; again {
		return false, nil
	}
	if len(c.used) >= mostUsed {
		for n, until := range c.used {
			if !now.Before(until) {
				delete(c.used, n)
			}
		}
		if len(c.used) >= mostUsed {
			return false, apierror.New(apierror.ServiceUnavailable, "Too many requests were confirmed within two minutes")
		}
	}
	c.used[nonce] = expires
	return true, nil
}
