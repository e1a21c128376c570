package kong

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Entities of the Admin API, as far as the driver reads them.
type (
	ref struct {
		ID string `json:"id"`
	}
	service struct {
		ID   string   `json:"id"`
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}
	route struct {
		ID        string   `json:"id"`
		Hosts     []string `json:"hosts"`
		Paths     []string `json:"paths"`
		Protocols []string `json:"protocols"`
		Service   ref      `json:"service"`
	}
	consumer struct {
		ID       string   `json:"id"`
		Username string   `json:"username"`
		Tags     []string `json:"tags"`
	}
	plugin struct {
		ID       string         `json:"id"`
		Name     string         `json:"name"`
		Enabled  bool           `json:"enabled"`
		Config   map[string]any `json:"config"`
		Service  ref            `json:"service"`
		Route    ref            `json:"route"`
		Consumer ref            `json:"consumer"`
	}
	credential struct {
		ID       string   `json:"id"`
		Key      string   `json:"key"`
		TTL      *int64   `json:"ttl"`
		Created  int64    `json:"created_at"`
		Consumer ref      `json:"consumer"`
		Tags     []string `json:"tags"`
	}
	membership struct {
		ID    string `json:"id"`
		Group string `json:"group"`
	}
)

// pageSize is the most that Kong lists at once.
const pageSize = 1000

// at is a path in the workspace.
func (d *Driver) at(path string) string {
	if d.options.Workspace == "" {
		return path
	}
	return rest.Path(d.options.Workspace) + path
}

// get reads one entity.
func (d *Driver) get(ctx context.Context, out any, segments ...string) error {
	return d.nodes[0].Do(ctx, http.MethodGet, d.at(rest.Path(segments...)), nil, nil, out)
}

// list reads a collection whole.
func list[T any](ctx context.Context, d *Driver, path string) iter.Seq2[T, error] {
	return rest.Pages(page[T](ctx, d, path, pageSize))
}

// page reads a page of a collection; its cursor is Kong's offset.
func page[T any](ctx context.Context, d *Driver, path string, size int) func(string) ([]T, string, error) {
	return func(offset string) ([]T, string, error) {
		query := url.Values{"size": {strconv.Itoa(size)}}
		if offset != "" {
			query.Set("offset", offset)
		}
		var answer struct {
			Data   *[]T   `json:"data"`
			Offset string `json:"offset"`
		}
		if err := d.nodes[0].Do(ctx, http.MethodGet, d.at(path), query, nil, &answer); err != nil {
			return nil, "", err
		}
		if answer.Data == nil {
			return nil, "", d.unavailable("answers %s with no list", path)
		}
		return *answer.Data, answer.Offset, nil
	}
}

// explain says what Kong's errors mean. Their codes are told apart, since many have the same status.
func explain(name, credential string) func(status int, body []byte) error {
	return func(status int, body []byte) error {
		var said struct {
			Code int `json:"code"`
		}
		_ = json.Unmarshal(body, &said) // what cannot be read has no code
		text := rest.Saying(body)
		switch {
		case status == http.StatusUnauthorized:
			return refusedCredentials(name, "does not accept "+credential+": it is wrong, revoked or expired")
		case status == http.StatusForbidden:
			return refusedCredentials(name, credential+" lacks a right: "+text)
		case status == http.StatusNotFound && text != "Not found" && said.Code == 0:
			return problem(name, apierror.ServiceUnavailable, "has no Admin API at its address, or no such workspace: %s", text)
		case said.Code == codePrimaryKey:
			return problem(name, apierror.Conflict, "has that already: %s", text)
		case status == http.StatusMethodNotAllowed:
			return problem(name, apierror.NotImplemented, "%s", noDatabase)
		}
		return nil
	}
}

// codePrimaryKey is Kong's for an id that is there already.
const codePrimaryKey = 3

func refusedCredentials(name, text string) error {
	err := problem(name, apierror.ServiceUnavailable, "%s", text)
	err.Cause = rest.ErrCredentials
	return err
}

func problem(name string, as apierror.Name, format string, args ...any) *apierror.Error {
	return apierror.Newf(as, "Kong "+name+": "+format, args...)
}

func (d *Driver) unavailable(format string, args ...any) error {
	return d.problem(apierror.ServiceUnavailable, format, args...)
}

func (d *Driver) problem(as apierror.Name, format string, args ...any) *apierror.Error {
	return problem(d.options.Name, as, format, args...)
}

func missing(err error) bool { return errors.Is(err, sdk.ErrNotFound) }

func has(tags []string, tag string) bool { return slices.Contains(tags, tag) }
