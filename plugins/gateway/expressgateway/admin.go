package expressgateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// user is an application of the portal at the gateway.
type user struct {
	ID       string `json:"id,omitempty"`
	Username string `json:"username"`
	First    string `json:"firstname"`
	Last     string `json:"lastname"`
}

// subscription is an application of a user at the gateway, which stands for access to an API.
type subscription struct {
	ID     string `json:"id,omitempty"`
	UserID string `json:"userId"`
	Name   string `json:"name"`
}

const keyAuth = "key-auth"

// onePage is more keys than Redis may hold for the gateway: a list that asks for so many comes in one page.
const onePage = 1_000_000

// call is one call; what the gateway says of an error is plain text with the type of a page.
func (d *Driver) call(ctx context.Context, r rest.Request, out any) error {
	err := d.admin.Call(ctx, r, out)
	refusal, ok := rest.RefusalOf(err)
	if !ok || refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusForbidden {
		return err
	}
	text := strings.TrimSpace(string(refusal.Body))
	if text == "" || strings.ContainsAny(text[:1], "<{[") {
		return err
	}
	name := apierror.ServiceUnavailable
	for _, known := range []struct {
		status int
		begins string
		name   apierror.Name
	}{
		{http.StatusNotFound, "User not found", apierror.NotFound},
		{http.StatusNotFound, "Application not found", apierror.NotFound},
		{http.StatusNotFound, "No credential found", apierror.NotFound},
		{http.StatusUnprocessableEntity, "No consumer found", apierror.NotFound},
		{http.StatusUnprocessableEntity, "", apierror.Input},
		{http.StatusConflict, "", apierror.Conflict},
		{http.StatusInternalServerError, "Failed to insert application", apierror.Conflict},
	} {
		if refusal.Status == known.status && strings.HasPrefix(text, known.begins) {
			name = known.name
			break
		}
	}
	for _, secret := range r.Hide {
		text = strings.ReplaceAll(text, secret.Reveal(), "[secret]")
	}
	return &apierror.Error{
		Name: name, Message: rest.Line(d.admin.Name + " answers " + strconv.Itoa(refusal.Status) + ": " + text), Cause: err,
	}
}

// users are all of the gateway's.
func (d *Driver) users(ctx context.Context) ([]user, error) {
	return collect(func(cursor string) ([]user, string, error) {
		var page struct {
			Users *[]user `json:"users"`
			Next  int64   `json:"nextKey"`
		}
		err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: "/users", Query: paging(cursor)}, &page)
		if err == nil && page.Users == nil {
			err = d.unlike("a list of users")
		}
		if err != nil {
			return nil, "", err
		}
		return *page.Users, nextPage(page.Next), nil
	})
}

// subscriptions are all EG applications.
func (d *Driver) subscriptions(ctx context.Context) ([]subscription, error) {
	return collect(func(cursor string) ([]subscription, string, error) {
		var page struct {
			Apps *[]subscription `json:"apps"`
			Next int64           `json:"nextKey"`
		}
		err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: "/apps", Query: paging(cursor)}, &page)
		if err == nil && page.Apps == nil {
			err = d.unlike("a list of applications")
		}
		if err != nil {
			return nil, "", err
		}
		return *page.Apps, nextPage(page.Next), nil
	})
}

func paging(cursor string) url.Values {
	query := url.Values{"count": {strconv.Itoa(onePage)}}
	if cursor != "" {
		query.Set("start", cursor)
	}
	return query
}

func nextPage(key int64) string {
	if key == 0 {
		return ""
	}
	return strconv.FormatInt(key, 10)
}

func collect[T any](page func(cursor string) ([]T, string, error)) ([]T, error) {
	var all []T
	for item, err := range rest.Pages(page) {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// unlike is for answers that another program gives.
func (d *Driver) unlike(what string) error {
	return apierror.Newf(apierror.ServiceUnavailable, "%s answers something else than %s; check its address", d.admin.Name, what)
}

// findUser answers the user of an application; [sdk.ErrNotFound] when there is none.
func (d *Driver) findUser(ctx context.Context, name string) (user, error) {
	var u user
	err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("users", name)}, &u)
	switch {
	case err != nil:
		return user{}, err
	case u.ID == "":
		return user{}, d.unlike("a user")
	case u.Username != name: // an id will do as well for the gateway
		return user{}, apierror.NotFoundf("%s has no user %s", d.admin.Name, name)
	}
	return u, nil
}

// ensureScope makes a scope known: credentials cannot have others.
func (d *Driver) ensureScope(ctx context.Context, scope string) error {
	err := d.call(ctx, rest.Request{Method: http.MethodPut, Path: rest.Path("scopes", scope)}, nil)
	if errors.Is(err, sdk.ErrConflict) {
		return nil
	}
	return err
}
