package tooltest

import (
	"encoding/json"
	"net/http"
)

// GitLab answers as GitLab CI. Every project has a pipeline; the branch "empty" has no jobs for it.
func GitLab(c *CI) *CI {
	c.mux = http.NewServeMux()
	allowed := func(r *http.Request) bool { return r.Header.Get("PRIVATE-TOKEN") == Token }
	c.handle("POST /api/v4/projects/{project}/pipeline", allowed, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Ref       string `json:"ref"`
			Variables []struct {
				Key   string `json:"key"`
				Value string `json:"value"`
			} `json:"variables"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Ref == "" {
			answer(w, http.StatusBadRequest, map[string]string{"error": "ref is missing"})
			return
		}
		if body.Ref == "empty" {
			answer(w, http.StatusBadRequest, map[string]any{"message": map[string][]string{"base": {"Pipeline will not run for the selected trigger."}}})
			return
		}
		variables := map[string]string{}
		for _, v := range body.Variables {
			variables[v.Key] = v.Value
		}
		run := c.start(r.PathValue("project"), body.Ref, variables)
		answer(w, http.StatusCreated, gitlabPipeline(r, run, "created"))
	})
	c.handle("GET /api/v4/projects/{project}/pipelines/{id}", allowed, func(w http.ResponseWriter, r *http.Request) {
		run := c.find(r.PathValue("id"))
		if run == nil || run.Of != r.PathValue("project") {
			missing(w)
			return
		}
		status, _ := c.look(run)
		answer(w, http.StatusOK, gitlabPipeline(r, run, status))
	})
	return c
}

func gitlabPipeline(r *http.Request, run *Run, status string) map[string]any {
	return map[string]any{"id": run.ID, "ref": run.Ref, "status": status, "web_url": page(r, "/%s/-/pipelines/%d", run.Of, run.ID)}
}
