package scmtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
)

func (g *GitLab) objects(p *GitLabProject) objects { return g.repos[p.Owner+"/"+p.Path] }

func (g *GitLab) routeFiles(mux *http.ServeMux) {
	g.project(mux, "GET", "/repository/tree", func(c *call, p *GitLabProject) (int, any) {
		files, err := g.objects(p).filesOf(c.URL.Query().Get("ref"))
		if err != nil {
			return http.StatusNotFound, "404 Tree Not Found"
		}
		list := []map[string]any{}
		for path, f := range files {
			if folder := c.URL.Query().Get("path"); folder == "" || strings.HasPrefix(path, folder+"/") {
				list = append(list, map[string]any{"id": f.id, "path": path, "type": "blob", "mode": f.mode})
			}
		}
		sort.Slice(list, func(i, j int) bool { return fmt.Sprint(list[i]["path"]) < fmt.Sprint(list[j]["path"]) })
		return page(&g.host, c, list)
	})
	g.project(mux, "GET", "/repository/branches/{branch}", func(c *call, p *GitLabProject) (int, any) {
		name := c.PathValue("branch")
		id := g.objects(p).branch(name)
		head, err := g.objects(p).commit(id)
		if err != nil {
			return http.StatusNotFound, "404 Branch Not Found"
		}
		return http.StatusOK, map[string]any{"name": name, "commit": map[string]any{"id": id, "message": head.message}, "web_url": g.URL + "/" + p.Owner + "/" + p.Path + "/-/tree/" + name}
	})
	g.project(mux, "POST", "/repository/branches", func(c *call, p *GitLabProject) (int, any) {
		o, name := g.objects(p), c.text("branch")
		from := o.branch(c.text("ref"))
		switch {
		case o.branch(name) != "":
			return http.StatusBadRequest, "Branch already exists"
		case from == "":
			return http.StatusBadRequest, "Invalid reference name: " + c.text("ref")
		}
		if err := o.setBranch(name, from); err != nil {
			return http.StatusInternalServerError, err.Error()
		}
		return http.StatusCreated, map[string]any{"name": name}
	})
	g.project(mux, "POST", "/protected_branches", func(c *call, p *GitLabProject) (int, any) {
		if slices.Contains(p.Protected, c.text("name")) {
			return http.StatusConflict, "Protected branch '" + c.text("name") + "' already exists"
		}
		p.Protected = append(p.Protected, c.text("name"))
		return http.StatusCreated, map[string]any{}
	})
	g.project(mux, "POST", "/repository/commits", g.commitFiles)
}

func (g *GitLab) commitFiles(c *call, p *GitLabProject) (int, any) {
	o, branch := g.objects(p), c.text("branch")
	files, err := o.filesOf(branch)
	if err != nil {
		return http.StatusBadRequest, "You can only create or edit files when you are on a branch"
	}
	list, _ := c.body["actions"].([]any)
	if len(list) == 0 && !c.flag("allow_empty") {
		return http.StatusBadRequest, map[string]any{"error": "actions is missing"}
	}
	for _, item := range list {
		action, _ := item.(map[string]any)
		if refusal := applyAction(o, files, action); refusal != "" {
			return http.StatusBadRequest, refusal
		}
	}
	id, err := o.commitOn(branch, files, c.token.User+" <"+c.token.User+"@example.com>", c.text("commit_message"))
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	return http.StatusCreated, map[string]any{"id": id}
}

func applyAction(o objects, files map[string]leaf, action map[string]any) (refusal string) {
	path, _ := action["file_path"].(string)
	kind, _ := action["action"].(string)
	_, there := files[path]
	switch {
	case kind == "create" && there:
		return "A file with this name already exists"
	case (kind == "update" || kind == "delete") && !there:
		return "A file with this name doesn't exist"
	case kind != "create" && kind != "update" && kind != "delete":
		return "actions[0][action] does not have a valid value"
	case strings.Contains("/"+path+"/", "/../") || strings.Contains("/"+path+"/", "/.git/"):
		return "Path cannot include directory traversal"
	}
	if kind == "delete" {
		delete(files, path)
		return ""
	}
	text, _ := action["content"].(string)
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "content is not base64"
	}
	mode := "100644"
	if executable, _ := action["execute_filemode"].(bool); executable {
		mode = "100755"
	}
	id, err := o.write("blob", content)
	if err != nil {
		return err.Error()
	}
	files[path] = leaf{mode, id}
	return ""
}

func (g *GitLab) routeMergeRequests(mux *http.ServeMux) {
	g.project(mux, "GET", "/merge_requests", func(c *call, p *GitLabProject) (int, any) {
		list := []any{}
		for _, m := range p.MergeRequests {
			if m.Body["source_branch"] == c.URL.Query().Get("source_branch") {
				list = append(list, g.mergeJSON(p, m))
			}
		}
		return http.StatusOK, list
	})
	g.project(mux, "POST", "/merge_requests", func(c *call, p *GitLabProject) (int, any) {
		for _, branch := range []string{"source_branch", "target_branch"} {
			if g.objects(p).branch(c.text(branch)) == "" {
				return http.StatusBadRequest, map[string]any{"message": []string{"Source branch \"" + c.text(branch) + "\" does not exist"}}
			}
		}
		for _, m := range p.MergeRequests {
			if m.Body["source_branch"] == c.body["source_branch"] {
				return http.StatusConflict, map[string]any{"message": []string{"Another open merge request already exists for this source branch: !" + strconv.Itoa(m.IID)}}
			}
		}
		m := &MergeRequest{IID: len(p.MergeRequests) + 1, Body: c.body, Settling: 2}
		p.MergeRequests = append(p.MergeRequests, m)
		return http.StatusCreated, g.mergeJSON(p, m)
	})
	one := func(method, below string, f func(c *call, p *GitLabProject, m *MergeRequest) (int, any)) {
		g.project(mux, method, "/merge_requests/{iid}"+below, func(c *call, p *GitLabProject) (int, any) {
			n, err := strconv.Atoi(c.PathValue("iid"))
			if err != nil || n < 1 || n > len(p.MergeRequests) {
				return http.StatusNotFound, "404 Not found"
			}
			return f(c, p, p.MergeRequests[n-1])
		})
	}
	one("GET", "", func(_ *call, p *GitLabProject, m *MergeRequest) (int, any) {
		m.Settling = max(m.Settling-1, 0)
		return http.StatusOK, g.mergeJSON(p, m)
	})
	one("PUT", "", func(c *call, p *GitLabProject, m *MergeRequest) (int, any) {
		m.Changed = c.body
		return http.StatusOK, g.mergeJSON(p, m)
	})
	one("PUT", "/merge", func(c *call, p *GitLabProject, m *MergeRequest) (int, any) {
		m.Merge = c.body
		return http.StatusOK, g.mergeJSON(p, m)
	})
	one("GET", "/approval_rules", func(_ *call, p *GitLabProject, _ *MergeRequest) (int, any) {
		eligible := []any{}
		for _, id := range p.Approvers {
			eligible = append(eligible, map[string]any{"id": id})
		}
		return http.StatusOK, []any{map[string]any{"eligible_approvers": eligible}, map[string]any{"name": "a rule without approvers"}}
	})
}

func (g *GitLab) mergeJSON(p *GitLabProject, m *MergeRequest) map[string]any {
	status := "mergeable"
	if m.Settling > 0 {
		status = "checking"
	}
	return map[string]any{"iid": m.IID, "web_url": fmt.Sprintf("%s/%s/%s/-/merge_requests/%d", g.URL, p.Owner, p.Path, m.IID), "detailed_merge_status": status}
}
