package tool

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// concourse starts builds of jobs. They have no parameters there: a job takes what its resources bring.
type concourse struct{}

func (concourse) check(in ciInput) error {
	if err := need("concourse", "pipeline", in.Pipeline, "job", in.Job); err != nil {
		return err
	}
	parameters := ""
	if len(in.Parameters) > 0 {
		parameters = "given"
	}
	return unwanted("concourse", "repository", in.Repository, "workflow", in.Workflow, "ref", in.Ref, "parameters", parameters)
}

// concourseLogin takes a token as it is, else asks for one as fly does.
func concourseLogin(token, user, password string) func(context.Context, ciAPI, *http.Request) error {
	if token != "" || user == "" {
		return bearer(token)
	}
	return func(ctx context.Context, api ciAPI, req *http.Request) error {
		api.authorize = basic("fly", "Zmx5") // fly's own name and password, which are the same everywhere
		form := url.Values{"grant_type": {"password"}, "username": {user}, "password": {password}, "scope": {"openid profile email federated:id groups"}}
		var answer struct {
			Token string `json:"access_token"`
		}
		if _, err := api.call(ctx, http.MethodPost, "/sky/issuer/token", form, &answer); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		if answer.Token == "" {
			return errors.New("sign in: there is no token in the answer")
		}
		req.Header.Set("Authorization", "Bearer "+answer.Token)
		return nil
	}
}

type concourseBuild struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

func (concourse) trigger(ctx context.Context, s ciServer, in ciInput) (ciRun, error) {
	job := "/teams/" + url.PathEscape(s.team) + "/pipelines/" + url.PathEscape(in.Pipeline) + "/jobs/" + url.PathEscape(in.Job)
	var b concourseBuild
	_, err := s.api.call(ctx, http.MethodPost, "/api/v1"+job+"/builds", nil, &b)
	if err == nil && b.ID == 0 {
		err = errors.New("the server answered no build")
	}
	return b.asRun(s.api.base + job + "/builds/" + url.PathEscape(b.Name)), err
}

func (concourse) look(ctx context.Context, s ciServer, r ciRun) (ciRun, error) {
	var b concourseBuild
	if _, err := s.api.call(ctx, http.MethodGet, "/api/v1/builds/"+r.ID, nil, &b); err != nil {
		return r, err
	}
	return b.asRun(r.URL), nil
}

func (b concourseBuild) asRun(page string) ciRun {
	return ciRun{
		ID: strconv.FormatInt(b.ID, 10), URL: page, Status: b.Status,
		Ended: slices.Contains([]string{"succeeded", "failed", "errored", "aborted"}, b.Status), OK: b.Status == "succeeded",
	}
}
