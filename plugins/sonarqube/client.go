package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// instance is one SonarQube.
type instance struct {
	name           string
	base, external string // without a slash at the end
	token          sdk.Secret
	bearer         bool
	mode           string
	webhookSecret  sdk.Secret

	http  *http.Client
	calls *sdk.Metric
	now   func() time.Time
	slots chan struct{} // requests at a time

	mu       sync.Mutex
	waiting  time.Time // SonarQube asked not to be called before
	checked  time.Time // when it was called last, zero = never
	trouble  error     // what keeps every call from succeeding, nil = nothing
	expires  time.Time // of the token, zero = not known
	checking bool
}

const (
	// atOnce bounds the requests that one instance gets at a time: a table of many entities asks for all of them at once.
	atOnce = 8
	// maxAnswer bounds an answer; a page of 1000 points of history takes less than a tenth of it.
	maxAnswer = 4 << 20
	// longestWait bounds what a Retry-After can do: a wrong one must not switch an instance off for a day.
	longestWait = 5 * time.Minute
	defaultWait = 10 * time.Second
)

func newInstance(s instanceSettings) *instance {
	bearer := s.AuthType == "Bearer" || s.AuthType == "" && isCloud(s.BaseURL)
	i := &instance{
		name: s.Name, base: strings.TrimRight(s.BaseURL, "/"), external: strings.TrimRight(s.ExternalBaseURL, "/"),
		token: s.APIKey, bearer: bearer, mode: s.Mode, webhookSecret: s.WebhookSecret, slots: make(chan struct{}, atOnce),
	}
	if i.external == "" {
		i.external = i.base
	}
	return i
}

// get asks for one answer of the Web API.
func (i *instance) get(ctx context.Context, path string, query url.Values, into any) error {
	if err := i.mayCall(); err != nil {
		return err
	}
	select {
	case i.slots <- struct{}{}:
		defer func() { <-i.slots }()
	case <-ctx.Done():
		return i.unavailable("is busy: %v", ctx.Err())
	}
	err := i.call(ctx, path, query, into)
	i.note(err)
	return err
}

func (i *instance) call(ctx context.Context, path string, query url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.base+"/"+path+"?"+query.Encode(), nil)
	if err != nil {
		return i.unavailable("cannot be asked: %v", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", i.credentials())
	res, err := i.http.Do(req)
	if err != nil {
		return i.unreachable(err)
	}
	defer res.Body.Close()
	i.noteExpiry(res.Header.Get("SonarQube-Authentication-Token-Expiration"))
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case res.StatusCode != http.StatusOK:
		return i.refused(res, body)
	case err != nil:
		return i.unavailable("broke its answer to %s off: %v", path, err)
	case len(body) > maxAnswer:
		return i.unavailable("answers more than %d bytes to %s", maxAnswer, path)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return i.unreadable(path, res, body, err)
	}
	return nil
}

// credentials are the token as a bearer, or as the name of a user without a password.
func (i *instance) credentials() string {
	if i.bearer {
		return "Bearer " + i.token.Reveal()
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(i.token.Reveal()+":"))
}

// mayCall keeps to what SonarQube asked for when it was called too often.
func (i *instance) mayCall() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.now().Before(i.waiting) {
		return i.unavailable("limits the rate of calls; it is called again at %s", i.waiting.UTC().Format(time.TimeOnly+" UTC"))
	}
	return nil
}

func (i *instance) wait(retryAfter string) {
	pause := defaultWait
	if n, err := strconv.Atoi(retryAfter); err == nil && n >= 0 {
		pause = time.Duration(min(n, int(longestWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(retryAfter); err == nil {
		pause = at.Sub(i.now())
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waiting = i.now().Add(min(max(pause, 0), longestWait))
}

// note remembers for the health whether calls succeed. What SonarQube says about one project is a success of the instance.
func (i *instance) note(err error) {
	result := "ok"
	trouble := err
	if apierror.Has(err, apierror.NotFound) || apierror.Has(err, apierror.NotAllowed) {
		trouble = nil
	}
	if err != nil {
		result = string(apierror.NameOf(err))
	}
	i.calls.Add(1, i.name, result)
	if errors.Is(err, context.Canceled) {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.checked, i.trouble = i.now(), trouble
}

// noteExpiry reads the header by which newer servers tell when the token ends.
func (i *instance) noteExpiry(value string) {
	at, ok := parseTime(value)
	if !ok {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.expires = at
}

// page is the address of a page about a project, "dashboard" or "security_hotspots"; more are names and values of its query.
func (i *instance) page(page string, p project, more ...string) string {
	query := url.Values{"id": {p.key}}
	if p.branch != "" {
		query.Set("branch", p.branch)
	}
	for n := 0; n+1 < len(more); n += 2 {
		query.Set(more[n], more[n+1])
	}
	if page == "security_hotspots" && isCloud(i.external) {
		page = "project/" + page
	}
	return fmt.Sprintf("%s/%s?%s", i.external, page, query.Encode())
}

// parseTime reads the forms in which SonarQube writes points in time: its zones have no colon.
func parseTime(value string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
