package tryit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// Bounds of confirmations.
const (
	confirmable = 2 * time.Minute
	mostOpen    = 10_000 // questions that nobody has answered yet
	mostOpenOf  = 20     // those of one viewer; the oldest give way
	tokenBytes  = 24
)

// digest is what a token is bound to: who asks, through which session of an embedding page, for which entity, and every byte that would be sent.
func digest(p *principal.Principal, ref, operation string, c *call) string {
	id := ""
	if c.credential != nil {
		id = c.credential.ID
	}
	return hashed(asker(p), ref, operation, c.server.URL.String(), c.method, c.url.String(), c.headers, c.cookies, id, c.contentType, []byte(c.body))
}

// asker is who asks, as a text that tells nobody who that is.
func asker(p *principal.Principal) string {
	app, page := "", ""
	if p.Embed != nil {
		app, page = p.Embed.App, p.Embed.Session
	}
	return hashed(p.Kind.String(), p.Subject, p.Actor, app, page)
}

// hashed is one text for a list of values that JSON can hold, and another one for each other list.
func hashed(values ...any) string {
	text, _ := json.Marshal(values)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// issue makes a token for a request and keeps its hash: a copy of the database confirms nothing.
func (e *Engine) issue(ctx context.Context, p *principal.Principal, bound string) (token string, expires time.Time, err error) {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails
	token, expires = base64.RawURLEncoding.EncodeToString(raw), e.Now().Add(confirmable).Truncate(time.Millisecond)
	room, err := e.questions.open(ctx, &questionRow{TokenHash: hashed(token), Request: bound, Asker: asker(p), ExpiresAt: expires.UnixMilli()}, e.Now())
	if err != nil {
		return "", expires, err
	}
	if !room {
		return "", expires, apierror.Newf(apierror.ServiceUnavailable, "More than %d requests wait to be confirmed; try again in a minute", mostOpen)
	}
	return token, expires, nil
}

// taken reports whether token confirms the request, for the first time on any replica.
func (e *Engine) taken(ctx context.Context, token, bound string) (bool, error) {
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != tokenBytes {
		return false, nil // it is no token, so another one is issued
	}
	return e.questions.close(ctx, hashed(token), bound, e.Now())
}
