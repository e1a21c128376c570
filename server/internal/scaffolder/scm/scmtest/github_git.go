package scmtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// routeGitData is the Git data API, on the objects that git itself serves.
func (g *GitHub) routeGitData(mux *http.ServeMux) {
	store := func(method, path string, f func(c *call, o objects) (int, any)) {
		register := g.change
		if method == "GET" {
			register = g.repo
		}
		register(mux, method, path, func(c *call, r *GitHubRepository) (int, any) {
			o := g.repos[r.Owner+"/"+r.Name]
			if len(o.branches()) == 0 {
				return http.StatusConflict, "Git Repository is empty."
			}
			return f(c, o)
		})
	}
	store("POST", "/git/blobs", func(c *call, o objects) (int, any) {
		content := []byte(c.text("content"))
		if c.text("encoding") == "base64" {
			var err error
			if content, err = base64.StdEncoding.DecodeString(c.text("content")); err != nil {
				return http.StatusUnprocessableEntity, "content is not valid Base64"
			}
		}
		return made(o.write("blob", content))
	})
	store("POST", "/git/trees", postTree)
	store("POST", "/git/commits", func(c *call, o objects) (int, any) {
		author := c.token.User + " <" + c.token.User + "@users.noreply.github.com>"
		if a, ok := c.body["author"].(map[string]any); ok {
			author = fmt.Sprintf("%v <%v>", a["name"], a["email"])
		}
		if _, err := o.read(c.text("tree"), "tree"); err != nil {
			return http.StatusUnprocessableEntity, "Tree SHA does not exist"
		}
		return made(o.writeCommit(c.text("tree"), c.texts("parents"), author, c.text("message")))
	})
	store("GET", "/commits", func(c *call, o objects) (int, any) {
		id := o.branch(c.URL.Query().Get("sha"))
		info, err := o.commit(id)
		if err != nil {
			return http.StatusNotFound, "Not Found"
		}
		return http.StatusOK, []any{map[string]any{"sha": id, "commit": map[string]any{"tree": map[string]any{"sha": info.tree}}}}
	})
	store("GET", "/contents/{path...}", func(c *call, o objects) (int, any) {
		files, err := o.filesOf(c.URL.Query().Get("ref"))
		if _, ok := files[c.PathValue("path")]; err != nil || !ok {
			return http.StatusNotFound, "Not Found"
		}
		return http.StatusOK, map[string]any{"path": c.PathValue("path")}
	})
	store("GET", "/git/commits/{id}", func(c *call, o objects) (int, any) {
		info, err := o.commit(c.PathValue("id"))
		if err != nil {
			return http.StatusNotFound, "Not Found"
		}
		return http.StatusOK, map[string]any{"sha": c.PathValue("id"), "message": info.message}
	})
	routeRefs(store)
	g.change(mux, "PUT", "/contents/{path...}", func(c *call, r *GitHubRepository) (int, any) {
		o, branch := g.repos[r.Owner+"/"+r.Name], c.text("branch")
		id, err := o.write("blob", nil)
		if err != nil || len(o.branches()) > 0 { // no more than is needed to open an empty repository
			return http.StatusUnprocessableEntity, "Invalid request"
		}
		id, err = o.commitOn(branch, map[string]leaf{c.PathValue("path"): {"100644", id}}, c.token.User+" <x@example.com>", c.text("message"))
		if err != nil {
			return http.StatusInternalServerError, err.Error()
		}
		return http.StatusCreated, map[string]any{"commit": map[string]any{"sha": id}}
	})
}

func routeRefs(store func(method, path string, f func(c *call, o objects) (int, any))) {
	store("GET", "/git/ref/{ref...}", func(c *call, o objects) (int, any) {
		id := o.branch(strings.TrimPrefix(c.PathValue("ref"), "heads/"))
		if id == "" {
			return http.StatusNotFound, "Not Found"
		}
		return http.StatusOK, map[string]any{"object": map[string]any{"sha": id}}
	})
	point := func(c *call, o objects, branch string) (int, any) {
		if _, err := o.commit(c.text("sha")); err != nil {
			return http.StatusUnprocessableEntity, "Object does not exist"
		}
		if err := o.setBranch(branch, c.text("sha")); err != nil {
			return http.StatusInternalServerError, err.Error()
		}
		return http.StatusCreated, map[string]any{"ref": "refs/heads/" + branch}
	}
	store("POST", "/git/refs", func(c *call, o objects) (int, any) {
		branch, ok := strings.CutPrefix(c.text("ref"), "refs/heads/")
		if !ok || o.branch(branch) != "" {
			return http.StatusUnprocessableEntity, "Reference already exists"
		}
		return point(c, o, branch)
	})
	store("PATCH", "/git/refs/{ref...}", func(c *call, o objects) (int, any) {
		if o.branch(strings.TrimPrefix(c.PathValue("ref"), "heads/")) == "" || !c.flag("force") {
			return http.StatusUnprocessableEntity, "Reference does not exist"
		}
		return point(c, o, strings.TrimPrefix(c.PathValue("ref"), "heads/"))
	})
}

func made(id string, err error) (int, any) {
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	return http.StatusCreated, map[string]any{"sha": id}
}

func postTree(c *call, o objects) (int, any) {
	var err error
	files := map[string]leaf{}
	if base := c.text("base_tree"); base != "" {
		if files, err = o.files(base); err != nil {
			return http.StatusNotFound, "Not Found"
		}
	}
	list, _ := c.body["tree"].([]any)
	for _, item := range list {
		e, _ := item.(map[string]any)
		path, _ := e["path"].(string)
		mode, _ := e["mode"].(string)
		id, sent := e["sha"].(string)
		switch content, inline := e["content"].(string); {
		case inline:
			if id, err = o.write("blob", []byte(content)); err != nil {
				return http.StatusInternalServerError, err.Error()
			}
		case !sent: // null takes the file away
			if _, ok := files[path]; !ok {
				return http.StatusUnprocessableEntity, "GitRPC::BadObjectState"
			}
			delete(files, path)
			continue
		}
		if _, err := o.read(id, "blob"); err != nil || path == "" || strings.HasPrefix(path, "/") || strings.Contains("/"+path+"/", "/.git/") {
			return http.StatusUnprocessableEntity, "tree.path contains a malformed path component"
		}
		files[path] = leaf{mode, id}
	}
	return made(o.writeTree(files))
}
