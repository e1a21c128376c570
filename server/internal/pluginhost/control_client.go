package pluginhost

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Client reaches a running host by its control socket.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient makes a client; nothing is asked yet.
func NewClient(socket string) *Client {
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}}}}
}

// Plugins lists what there is.
func (c *Client) Plugins(ctx context.Context) (views []View, err error) {
	return views, c.ask(ctx, http.MethodGet, "/v1/plugins", nil, &views)
}

// Plugin is one of them.
func (c *Client) Plugin(ctx context.Context, id manifest.ID) (v View, err error) {
	return v, c.ask(ctx, http.MethodGet, path(id), nil, &v)
}

// Inspect is the JSON of everything that a plugin says about itself.
func (c *Client) Inspect(ctx context.Context, id manifest.ID) (text json.RawMessage, err error) {
	return text, c.ask(ctx, http.MethodGet, path(id, "inspect"), nil, &text)
}

// Restart, Stop, Approve, Upgrade and RunProvider return when it is done, or with the reason why it is not.

func (c *Client) Restart(ctx context.Context, id manifest.ID) (v View, err error) {
	return v, c.ask(ctx, http.MethodPost, path(id, "restart"), nil, &v)
}

func (c *Client) Stop(ctx context.Context, id manifest.ID) (v View, err error) {
	return v, c.ask(ctx, http.MethodPost, path(id, "stop"), nil, &v)
}

func (c *Client) Approve(ctx context.Context, id manifest.ID, asks []string) (v View, err error) {
	return v, c.ask(ctx, http.MethodPost, path(id, "approve"), map[string]any{"asks": asks}, &v)
}

func (c *Client) Upgrade(ctx context.Context, id manifest.ID, source string) (v View, err error) {
	return v, c.ask(ctx, http.MethodPost, path(id, "upgrade"), map[string]any{"source": source}, &v)
}

func (c *Client) RunProvider(ctx context.Context, id manifest.ID, name string) (v View, err error) {
	return v, c.ask(ctx, http.MethodPost, path(id, "providers", name, "run"), nil, &v)
}

// Logs passes on the last n lines of a plugin and, with follow, those that come until ctx ends.
func (c *Client) Logs(ctx context.Context, id manifest.ID, n int, follow bool, take func(LogLine) error) error {
	query := url.Values{"lines": {strconv.Itoa(n)}}
	if follow {
		query.Set("follow", "1")
	}
	return lines(ctx, c, path(id, "logs")+"?"+query.Encode(), take)
}

// Events passes on what happens until ctx ends.
func (c *Client) Events(ctx context.Context, take func(Event) error) error {
	return lines(ctx, c, "/v1/events", take)
}

// Call sends a request to a plugin's routes as the given user, "" = as a service. The caller closes the body.
func (c *Client) Call(ctx context.Context, id manifest.ID, method, target, as string, header http.Header, body io.Reader) (*http.Response, error) {
	query := url.Values{"target": {target}, "as": {as}}
	r, err := http.NewRequestWithContext(ctx, method, "http://callboard"+path(id, "call")+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	r.Header = header.Clone()
	return c.do(r)
}

func path(id manifest.ID, parts ...string) string {
	escaped := []string{"/v1/plugins", url.PathEscape(string(id))}
	for _, part := range parts {
		escaped = append(escaped, url.PathEscape(part))
	}
	return strings.Join(escaped, "/")
}

func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://callboard"+path, content)
	if err != nil {
		return err
	}
	res, err := c.do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := refusal(res); err != nil {
		return err
	}
	return json.NewDecoder(res.Body).Decode(into)
}

func (c *Client) do(r *http.Request) (*http.Response, error) {
	res, err := c.http.Do(r)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("no host listens on %s; start one with `callboard serve`, or name its socket with --socket", c.socket)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s may be opened only by the user that the host runs as", c.socket)
	case err != nil:
		return nil, fmt.Errorf("ask the host at %s: %w", c.socket, errors.Unwrap(err))
	}
	return res, nil
}

func refusal(res *http.Response) error {
	if res.StatusCode < 400 {
		return nil
	}
	var body struct {
		Error controlError `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&body); err != nil || body.Error.Message == "" {
		return fmt.Errorf("the host answers %s", res.Status)
	}
	return errors.New(body.Error.Message)
}

// lines reads one value from each line of an answer.
func lines[T any](ctx context.Context, c *Client, path string, take func(T) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://callboard"+path, nil)
	if err != nil {
		return err
	}
	res, err := c.do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := refusal(res); err != nil {
		return err
	}
	in := bufio.NewReader(res.Body)
	for {
		text, err := in.ReadString('\n')
		if strings.TrimSpace(text) != "" {
			var v T
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				return err
			}
			if err := take(v); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
