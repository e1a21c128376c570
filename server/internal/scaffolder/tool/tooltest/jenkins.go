package tooltest

import (
	"net/http"
	"strconv"
	"strings"
)

// Jenkins answers as Jenkins. A build waits in the queue for one look, and is forgotten there once its
// number was told, which takes a real one five minutes. Its Location headers name another host, as those of
// a Jenkins behind a proxy do when nobody told it its address.
func Jenkins(c *CI) *CI {
	c.mux = http.NewServeMux()
	allowed := func(r *http.Request) bool {
		user, token, _ := r.BasicAuth()
		return user == User && token == Token
	}
	c.handle("GET /queue/item/{id}/api/json", allowed, func(w http.ResponseWriter, r *http.Request) {
		run := c.find(r.PathValue("id"))
		switch {
		case run == nil || run.left:
			missing(w)
		case !run.queued:
			run.queued = true
			answer(w, http.StatusOK, map[string]any{"why": "Waiting for next available executor"})
		default:
			run.left = true
			answer(w, http.StatusOK, map[string]any{"why": nil, "executable": map[string]any{"number": run.ID + 1000, "url": page(r, "/x")}})
		}
	})
	c.handle("POST /job/{rest...}", allowed, func(w http.ResponseWriter, r *http.Request) {
		job, verb := splitJob(r.PathValue("rest"))
		parameters := map[string]string{}
		if err := r.ParseForm(); err != nil || (verb != "build" && verb != "buildWithParameters") {
			missing(w)
			return
		}
		for name := range r.PostForm {
			parameters[name] = r.PostForm.Get(name)
		}
		run := c.start(job, "", parameters)
		w.Header().Set("Location", "http://internal:8080/queue/item/"+strconv.Itoa(run.ID)+"/")
		w.WriteHeader(http.StatusCreated)
	})
	c.handle("GET /job/{rest...}", allowed, func(w http.ResponseWriter, r *http.Request) {
		build, _ := strings.CutSuffix(r.PathValue("rest"), "/api/json")
		_, number := splitJob(build)
		n, _ := strconv.Atoi(number) // 0 is no build
		run := c.find(strconv.Itoa(n - 1000))
		if run == nil {
			missing(w)
			return
		}
		status, result := c.look(run)
		body := map[string]any{"building": status == "building", "result": nil}
		if result != "" {
			body["result"] = result
		}
		answer(w, http.StatusOK, body)
	})
	return c
}

// splitJob is "team/shop" and "build" of "team/job/shop/build".
func splitJob(path string) (job, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return strings.ReplaceAll(path[:i], "/job/", "/"), path[i+1:]
}
