package tool

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// jenkins starts builds of jobs, which are in its queue first. Credentials are a user and an API token, so that no
// crumb is needed.
type jenkins struct{}

func (jenkins) check(in ciInput) error {
	if err := need("jenkins", "job", in.Job); err != nil {
		return err
	}
	return unwanted("jenkins", "repository", in.Repository, "workflow", in.Workflow, "pipeline", in.Pipeline, "ref", in.Ref)
}

// queueItems are where Jenkins says that a build waits. Its idea of its own host may be wrong, so only the number counts.
var queueItems = regexp.MustCompile(`/queue/item/(\d+)/?$`)

// jobPath is "/job/team/job/shop" of "team/shop".
func jobPath(job string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.Trim(job, "/"), "/") {
		b.WriteString("/job/" + url.PathEscape(part))
	}
	return b.String()
}

func (jenkins) trigger(ctx context.Context, s ciServer, in ciInput) (ciRun, error) {
	job := jobPath(in.Job)
	path, form := job+"/build", url.Values{}
	if len(in.Parameters) > 0 {
		path = job + "/buildWithParameters"
		for name, value := range in.texts() {
			form.Set(name, value)
		}
	}
	header, err := s.api.call(ctx, http.MethodPost, path, form, nil)
	if err != nil {
		return ciRun{}, err
	}
	item := queueItems.FindStringSubmatch(header.Get("Location"))
	if item == nil {
		return ciRun{}, fmt.Errorf("POST %s did not answer where the build waits", path)
	}
	return ciRun{ID: "queue-" + item[1], URL: s.api.base + job + "/", Place: "/queue/item/" + item[1] + " " + job, Status: "queued"}, nil
}

// look follows a build from the queue, whose items are forgotten some minutes after the build began, to its own page.
func (j jenkins) look(ctx context.Context, s ciServer, r ciRun) (ciRun, error) {
	item, job, queued := strings.Cut(r.Place, " ")
	if !queued {
		return j.build(ctx, s, r)
	}
	var answer struct {
		Cancelled  bool   `json:"cancelled"`
		Why        string `json:"why"`
		Executable *struct {
			Number int `json:"number"`
		} `json:"executable"`
	}
	if _, err := s.api.call(ctx, http.MethodGet, item+"/api/json", nil, &answer); err != nil {
		return r, err
	}
	switch {
	case answer.Cancelled:
		r.Status, r.Ended = "cancelled", true
	case answer.Executable != nil:
		number := strconv.Itoa(answer.Executable.Number)
		r.ID, r.Place, r.URL, r.Status = number, job+"/"+number, s.api.base+job+"/"+number+"/", "started"
	case answer.Why != "":
		r.Status = "queued: " + answer.Why
	}
	return r, nil
}

func (jenkins) build(ctx context.Context, s ciServer, r ciRun) (ciRun, error) {
	var answer struct {
		Building bool   `json:"building"`
		Result   string `json:"result"`
	}
	if _, err := s.api.call(ctx, http.MethodGet, r.Place+"/api/json", nil, &answer); err != nil {
		return r, err
	}
	if r.Status = "building"; !answer.Building && answer.Result != "" {
		r.Status, r.Ended, r.OK = strings.ToLower(answer.Result), true, answer.Result == "SUCCESS"
	}
	return r, nil
}
