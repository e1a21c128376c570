package tool

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// gitlab starts pipelines.
type gitlab struct{}

func (gitlab) check(in ciInput) error {
	if err := need("gitlab", "repository", in.Repository, "ref", in.Ref); err != nil {
		return err
	}
	return unwanted("gitlab", "workflow", in.Workflow, "job", in.Job, "pipeline", in.Pipeline)
}

type gitlabPipeline struct {
	ID     int64  `json:"id"`
	Status string `json:"status"`
	URL    string `json:"web_url"`
}

func (gitlab) trigger(ctx context.Context, s ciServer, in ciInput) (ciRun, error) {
	type variable struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	variables := []variable{}
	for name, value := range in.texts() {
		variables = append(variables, variable{name, value})
	}
	place := "/api/v4/projects/" + url.PathEscape(in.Repository)
	var p gitlabPipeline
	_, err := s.api.call(ctx, http.MethodPost, place+"/pipeline", map[string]any{"ref": in.Ref, "variables": variables}, &p)
	if err == nil && p.ID == 0 {
		err = fmt.Errorf("POST %s/pipeline answered no pipeline", place)
	}
	return p.asRun(place), err
}

func (gitlab) look(ctx context.Context, s ciServer, r ciRun) (ciRun, error) {
	var p gitlabPipeline
	if _, err := s.api.call(ctx, http.MethodGet, r.Place+"/pipelines/"+r.ID, nil, &p); err != nil {
		return r, err
	}
	return p.asRun(r.Place), nil
}

func (p gitlabPipeline) asRun(place string) ciRun {
	return ciRun{
		ID: strconv.FormatInt(p.ID, 10), URL: p.URL, Place: place, Status: p.Status,
		Ended: slices.Contains([]string{"success", "failed", "canceled", "skipped"}, p.Status), OK: p.Status == "success",
	}
}
