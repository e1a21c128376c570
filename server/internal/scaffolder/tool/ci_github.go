package tool

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// github starts workflows of GitHub Actions that have the event workflow_dispatch.
type github struct{}

func (github) check(in ciInput) error {
	if err := need("github", "repository", in.Repository, "workflow", in.Workflow, "ref", in.Ref); err != nil {
		return err
	}
	if owner, name, ok := strings.Cut(in.Repository, "/"); !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return apierror.Inputf("repository: %q must be owner/name", in.Repository)
	}
	return unwanted("github", "job", in.Job, "pipeline", in.Pipeline)
}

type githubRun struct {
	ID         int64  `json:"id"`
	URL        string `json:"html_url"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
}

func (g github) trigger(ctx context.Context, s ciServer, in ciInput) (ciRun, error) {
	repository := "/repos/" + escapeEach(in.Repository)
	workflow := repository + "/actions/workflows/" + url.PathEscape(in.Workflow)
	newest, err := g.newest(ctx, s, workflow, in.Ref)
	if err != nil {
		return ciRun{}, err
	}
	body := map[string]any{"ref": in.Ref, "inputs": in.texts(), "return_run_details": true}
	var details struct {
		ID  int64  `json:"workflow_run_id"`
		URL string `json:"html_url"`
	}
	_, err = s.api.call(ctx, http.MethodPost, workflow+"/dispatches", body, &details)
	var refused *ciError
	if errors.As(err, &refused) && refused.code == http.StatusUnprocessableEntity && strings.Contains(refused.message, "return_run_details") {
		delete(body, "return_run_details") // servers that do not know it yet refuse the request, and start nothing
		_, err = s.api.call(ctx, http.MethodPost, workflow+"/dispatches", body, &details)
	}
	if err != nil {
		return ciRun{}, err
	}
	run := githubRun{ID: details.ID, URL: details.URL, Status: "queued"}
	if run.ID == 0 {
		if run, err = g.find(ctx, s, workflow, in.Ref, newest); err != nil {
			return ciRun{}, err
		}
	}
	return run.asRun(repository), nil
}

// newest is the highest number of a dispatched run, 0 = there is none.
func (g github) newest(ctx context.Context, s ciServer, workflow, ref string) (int64, error) {
	runs, err := g.list(ctx, s, workflow, ref)
	var id int64
	for _, r := range runs {
		id = max(id, r.ID)
	}
	return id, err
}

func (github) list(ctx context.Context, s ciServer, workflow, ref string) ([]githubRun, error) {
	query := url.Values{"event": {"workflow_dispatch"}, "branch": {ref}, "per_page": {"20"}}
	var answer struct {
		Runs []githubRun `json:"workflow_runs"`
	}
	_, err := s.api.call(ctx, http.MethodGet, workflow+"/runs?"+query.Encode(), nil, &answer)
	return answer.Runs, err
}

// findFor is how long a server that tells no number gets to list the run.
const findFor = time.Minute

// find is for servers that do not answer which run they started: the first one that was not there before. Of two that
// are started at the same moment either may be taken for the other.
func (g github) find(ctx context.Context, s ciServer, workflow, ref string, newest int64) (githubRun, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, findFor, fmt.Errorf("the workflow was started, but no run of it appeared within %s", findFor))
	defer cancel()
	for {
		runs, err := g.list(ctx, s, workflow, ref)
		if err != nil {
			return githubRun{}, err
		}
		var found githubRun
		for _, r := range runs {
			if r.ID > newest && (found.ID == 0 || r.ID < found.ID) {
				found = r
			}
		}
		if found.ID != 0 {
			return found, nil
		}
		if action.Sleep(ctx, s.poll) != nil {
			return githubRun{}, context.Cause(ctx)
		}
	}
}

func (github) look(ctx context.Context, s ciServer, r ciRun) (ciRun, error) {
	var run githubRun
	if _, err := s.api.call(ctx, http.MethodGet, r.Place+"/actions/runs/"+r.ID, nil, &run); err != nil {
		return r, err
	}
	return run.asRun(r.Place), nil
}

func (r githubRun) asRun(repository string) ciRun {
	run := ciRun{ID: strconv.FormatInt(r.ID, 10), URL: r.URL, Place: repository, Status: r.Status}
	if r.Status == "completed" {
		run.Status, run.Ended = r.Conclusion, true
		run.OK = r.Conclusion == "success" || r.Conclusion == "neutral"
	}
	return run
}

// escapeEach escapes what is between slashes.
func escapeEach(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
