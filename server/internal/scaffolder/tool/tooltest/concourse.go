package tooltest

import (
	"net/http"
	"strconv"
)

// Concourse answers as Concourse, and signs in who knows User and Password.
func Concourse(c *CI) *CI {
	c.mux = http.NewServeMux()
	fly := func(r *http.Request) bool {
		name, password, _ := r.BasicAuth()
		return name == "fly" && password == "Zmx5"
	}
	c.handle("POST /sky/issuer/token", fly, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("grant_type") != "password" || r.FormValue("username") != User || r.FormValue("password") != Password {
			answer(w, http.StatusUnauthorized, map[string]string{"error": "access_denied"})
			return
		}
		answer(w, http.StatusOK, map[string]string{"access_token": Token, "token_type": "bearer"})
	})
	c.handle("POST /api/v1/teams/{team}/pipelines/{pipeline}/jobs/{job}/builds", withBearer, func(w http.ResponseWriter, r *http.Request) {
		run := c.start(r.PathValue("team")+"/"+r.PathValue("pipeline")+"/"+r.PathValue("job"), "", nil)
		answer(w, http.StatusOK, concourseBuild(run, "pending"))
	})
	c.handle("GET /api/v1/builds/{id}", withBearer, func(w http.ResponseWriter, r *http.Request) {
		run := c.find(r.PathValue("id"))
		if run == nil {
			missing(w)
			return
		}
		status, _ := c.look(run)
		answer(w, http.StatusOK, concourseBuild(run, status))
	})
	return c
}

func concourseBuild(run *Run, status string) map[string]any {
	return map[string]any{"id": run.ID, "name": strconv.Itoa(run.ID - 99), "status": status}
}
