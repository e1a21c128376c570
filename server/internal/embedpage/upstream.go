package embedpage

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	upstreamTimeout = 2 * time.Second
	maxList         = 1 << 20 // bytes
	maxRemotes      = 500
	listKept        = 30 * time.Second
	failureKept     = 5 * time.Second
)

// upstream is another backend that has remotes. Its list is asked for at most every few seconds, however many pages are
// opened: callers wait for the one that asks, two seconds at most.
type upstream struct {
	url    string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex // held while it is asked
	kept   []Remote
	failed error
	until  time.Time
}

func newUpstream(o Options) *upstream {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's own
	return &upstream{url: o.Settings.Upstream + featuresPrefix + "remotes", now: o.Now, log: o.Log, client: &http.Client{
		Transport: transport, Timeout: upstreamTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// list is what the backend offers. After a failure there is none for some seconds; the log has the reason.
func (u *upstream) list(ctx context.Context) ([]Remote, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.now().Before(u.until) {
		return u.kept, u.failed
	}
	u.kept, u.failed = u.ask(context.WithoutCancel(ctx)) // for the others who wait, too
	u.until = u.now().Add(listKept)
	if u.failed != nil {
		u.until = u.now().Add(failureKept)
		u.log.Warn("the remotes of the other backend are missing from the frontend's list", "key", UpstreamKey, "error", u.failed)
	}
	return u.kept, u.failed
}

func (u *upstream) ask(ctx context.Context) ([]Remote, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	answer, err := u.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", u.url, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxList+1))
	if err != nil {
		return nil, err
	}
	list, err := readList(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.url, err)
	}
	return list, nil
}

// readList reads a list of another backend. One remote that is wrong makes it wrong as a whole: a frontend that loads half
// of its features is harder to understand than a message.
func readList(body []byte) ([]Remote, error) {
	if len(body) > maxList {
		return nil, fmt.Errorf("the list is longer than %d bytes", maxList)
	}
	var list []Remote
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("must be a list of remotes: %w", err)
	}
	if len(list) > maxRemotes {
		return nil, fmt.Errorf("there are more than %d remotes", maxRemotes)
	}
	for i, r := range list {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return list, nil
}
