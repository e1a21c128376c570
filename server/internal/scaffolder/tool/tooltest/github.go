package tooltest

import (
	"encoding/json"
	"net/http"
)

// GitHub answers as GitHub Actions. The workflow "missing.yaml" does not exist; "broken.yaml" has no event workflow_dispatch.
func GitHub(c *CI) *CI {
	c.mux = http.NewServeMux()
	c.handle("POST /repos/{owner}/{name}/actions/workflows/{workflow}/dispatches", withBearer, c.dispatch)
	c.handle("GET /repos/{owner}/{name}/actions/workflows/{workflow}/runs", withBearer, func(w http.ResponseWriter, r *http.Request) {
		runs := []map[string]any{}
		for _, run := range c.runs {
			if run.Of == workflowOf(r) && run.Ref == r.FormValue("branch") && r.FormValue("event") == "workflow_dispatch" {
				runs = append(runs, c.githubRun(r, run, "queued", ""))
			}
		}
		answer(w, http.StatusOK, map[string]any{"total_count": len(runs), "workflow_runs": runs})
	})
	c.handle("GET /repos/{owner}/{name}/actions/runs/{id}", withBearer, func(w http.ResponseWriter, r *http.Request) {
		run := c.find(r.PathValue("id"))
		if run == nil {
			missing(w)
			return
		}
		status, conclusion := c.look(run)
		answer(w, http.StatusOK, c.githubRun(r, run, status, conclusion))
	})
	return c
}

func workflowOf(r *http.Request) string {
	return r.PathValue("owner") + "/" + r.PathValue("name") + " " + r.PathValue("workflow")
}

func (c *CI) dispatch(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Ref     string            `json:"ref"`
		Inputs  map[string]string `json:"inputs"`
		Details *bool             `json:"return_run_details"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	switch {
	case r.PathValue("workflow") == "missing.yaml":
		missing(w)
		return
	case err != nil || body.Ref == "":
		answer(w, http.StatusUnprocessableEntity, map[string]string{"message": "Invalid request."})
		return
	case r.PathValue("workflow") == "broken.yaml":
		answer(w, http.StatusUnprocessableEntity, map[string]string{"message": "Workflow does not have 'workflow_dispatch' trigger"})
		return
	case c.Old && body.Details != nil:
		answer(w, http.StatusUnprocessableEntity, map[string]string{"message": "Invalid request.\n\n\"return_run_details\" is not a permitted key."})
		return
	}
	run := c.start(workflowOf(r), body.Ref, body.Inputs)
	if body.Details == nil || !*body.Details {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"workflow_run_id": run.ID, "html_url": page(r, "/acme/runs/%d", run.ID), "run_url": page(r, "/repos/acme/actions/runs/%d", run.ID),
	})
}

func (c *CI) githubRun(r *http.Request, run *Run, status, conclusion string) map[string]any {
	answer := map[string]any{"id": run.ID, "html_url": page(r, "/acme/runs/%d", run.ID), "status": status, "conclusion": nil, "head_branch": run.Ref}
	if conclusion != "" {
		answer["conclusion"] = conclusion
	}
	return answer
}
