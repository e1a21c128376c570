package scmtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// GitLab is a self-managed GitLab: its API is below /api/v4.
type GitLab struct {
	host
	users    map[string]int64
	groups   map[string]*group // by full path
	projects map[string]*GitLabProject
}

type group struct {
	id, parent int64
	path       string
	members    []string
	epics      []int64
}

// GitLabProject is what the host keeps of a project. Maps of any are bodies as they were sent.
type GitLabProject struct {
	ID            int64
	Owner, Path   string
	DefaultBranch string
	CreatedAt     time.Time
	Settings      map[string]any
	Members       map[int64]int // level by user
	Protected     []string
	Variables     []map[string]any
	Issues        []map[string]any
	MergeRequests []*MergeRequest
	Triggers      map[int64]string
	Pipelines     []map[string]any
	Approvers     []int64
}

// MergeRequest is one of a project.
type MergeRequest struct {
	IID      int
	Body     map[string]any // as it was made
	Changed  map[string]any // as it was changed last
	Settling int            // how often its status is still "checking"
	Merge    map[string]any
}

// StartGitLab starts a GitLab, at a free port of this machine with "127.0.0.1:0".
func StartGitLab(addr string) (*GitLab, error) {
	g := &GitLab{users: map[string]int64{}, groups: map[string]*group{}, projects: map[string]*GitLabProject{}}
	g.prefix, g.mayPush = "/api/v4", func(t Token, path string) bool {
		p := g.projects[strings.TrimSuffix(path, ".git")]
		return p != nil && g.may(t, p)
	}
	g.failure = func(status int, message string) any {
		if status == http.StatusUnauthorized {
			message = "401 Unauthorized"
		}
		return map[string]any{"message": message}
	}
	mux := http.NewServeMux()
	g.routeNamespaces(mux)
	g.routeProjects(mux)
	g.routeFiles(mux)
	g.routeMergeRequests(mux)
	g.routePipelines(mux)
	g.handle(mux, "/", func(*call) (int, any) { return http.StatusNotFound, "404 Not Found" })
	return g, g.start(addr, mux)
}

// AddUser makes a user, and answers the id.
func (g *GitLab) AddUser(name string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users[name] = g.id()
	return g.users[name]
}

// AddGroup makes a group by its full path, whose parent must exist, and answers the id.
func (g *GitLab) AddGroup(path string, members ...string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	made := &group{id: g.id(), path: path, members: members}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		made.parent = g.groups[path[:i]].id
	}
	g.groups[path] = made
	return made.id
}

// AddEpic makes an epic of a group, and answers the id.
func (g *GitLab) AddEpic(path string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := g.id()
	g.groups[path].epics = append(g.groups[path].epics, id)
	return id
}

// AddProject makes an empty project.
func (g *GitLab) AddProject(owner, path string) (int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p, err := g.newProject(owner, path, map[string]any{})
	return p.ID, err
}

// View shows a project, nil when there is none. f must not keep it.
func (g *GitLab) View(owner, path string, f func(p *GitLabProject)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g.projects[owner+"/"+path])
}

func (g *GitLab) newProject(owner, path string, settings map[string]any) (*GitLabProject, error) {
	p := &GitLabProject{
		ID: g.id(), Owner: owner, Path: path, DefaultBranch: "main", CreatedAt: g.now().UTC(), Settings: settings,
		Members: map[int64]int{}, Triggers: map[int64]string{},
	}
	g.projects[owner+"/"+path] = p
	return p, g.createRepo(owner+"/"+path, p.DefaultBranch)
}

func (g *GitLab) mayOwn(t Token, owner string) bool {
	if grp := g.groups[owner]; grp != nil {
		return slices.Contains(grp.members, t.User)
	}
	return t.User == owner
}

func (g *GitLab) may(t Token, p *GitLabProject) bool {
	return g.mayOwn(t, p.Owner) || p.Members[g.users[t.User]] >= 30
}

func (g *GitLab) userJSON(name string) map[string]any {
	return map[string]any{"id": g.users[name], "username": name, "name": name}
}

func (grp *group) json() map[string]any {
	return map[string]any{"id": grp.id, "parent_id": grp.parent, "full_path": grp.path, "name": grp.path[strings.LastIndexByte(grp.path, '/')+1:]}
}

func (g *GitLab) json(p *GitLabProject) map[string]any {
	page := g.URL + "/" + p.Owner + "/" + p.Path
	namespace := g.users[p.Owner]
	if grp := g.groups[p.Owner]; grp != nil {
		namespace = grp.id
	}
	return map[string]any{
		"id": p.ID, "name": p.Path, "path": p.Path, "path_with_namespace": p.Owner + "/" + p.Path, "namespace": map[string]any{"id": namespace},
		"http_url_to_repo": page + ".git", "web_url": page, "default_branch": p.DefaultBranch, "created_at": p.CreatedAt.Format("2006-01-02T15:04:05.000Z"),
	}
}

// group finds one by id or full path.
func (g *GitLab) group(name string) *group {
	if grp := g.groups[name]; grp != nil {
		return grp
	}
	for _, grp := range g.groups {
		if strconv.FormatInt(grp.id, 10) == name {
			return grp
		}
	}
	return nil
}

func (g *GitLab) routeNamespaces(mux *http.ServeMux) {
	g.handle(mux, "GET /user", func(c *call) (int, any) { return http.StatusOK, g.userJSON(c.token.User) })
	g.handle(mux, "GET /users", func(c *call) (int, any) {
		list := []any{}
		if name := c.URL.Query().Get("username"); g.users[name] != 0 {
			list = append(list, g.userJSON(name))
		}
		return http.StatusOK, list
	})
	g.handle(mux, "GET /namespaces/{name}", func(c *call) (int, any) {
		name := c.PathValue("name")
		if grp := g.groups[name]; grp != nil {
			return http.StatusOK, map[string]any{"id": grp.id, "kind": "group"}
		}
		if g.users[name] == 0 {
			return http.StatusNotFound, "404 Namespace Not Found"
		}
		return http.StatusOK, map[string]any{"id": g.users[name], "kind": "user"}
	})
	g.handle(mux, "GET /groups", func(c *call) (int, any) {
		var list []map[string]any
		for _, grp := range g.groups {
			list = append(list, grp.json())
		}
		sort.Slice(list, func(i, j int) bool { return fmt.Sprint(list[i]["full_path"]) < fmt.Sprint(list[j]["full_path"]) })
		return page(&g.host, c, list)
	})
	g.handle(mux, "GET /groups/{group}", func(c *call) (int, any) {
		if grp := g.group(c.PathValue("group")); grp != nil {
			return http.StatusOK, grp.json()
		}
		return http.StatusNotFound, "404 Group Not Found"
	})
	g.handle(mux, "GET /groups/{group}/epics", g.epics)
	projects := func(c *call, owner string) (int, any) {
		var list []map[string]any
		for _, p := range g.projects {
			if p.Owner == owner && strings.Contains(p.Path, c.URL.Query().Get("search")) {
				list = append(list, g.json(p))
			}
		}
		sort.Slice(list, func(i, j int) bool { return fmt.Sprint(list[i]["path"]) < fmt.Sprint(list[j]["path"]) })
		return page(&g.host, c, list)
	}
	g.handle(mux, "GET /groups/{group}/projects", func(c *call) (int, any) {
		if grp := g.group(c.PathValue("group")); grp != nil {
			return projects(c, grp.path)
		}
		return http.StatusNotFound, "404 Group Not Found"
	})
	g.handle(mux, "GET /users/{user}/projects", func(c *call) (int, any) {
		for name, id := range g.users {
			if name == c.PathValue("user") || strconv.FormatInt(id, 10) == c.PathValue("user") {
				return projects(c, name)
			}
		}
		return http.StatusNotFound, "404 User Not Found"
	})
}

// epics are those of a group and of all below it.
func (g *GitLab) epics(c *call) (int, any) {
	top := g.group(c.PathValue("group"))
	list := []map[string]any{}
	for path, grp := range g.groups {
		if top != nil && (path == top.path || strings.HasPrefix(path, top.path+"/")) {
			for _, id := range grp.epics {
				list = append(list, map[string]any{"id": id, "group_id": grp.id})
			}
		}
	}
	return page(&g.host, c, list)
}

func (g *GitLab) routeProjects(mux *http.ServeMux) {
	g.handle(mux, "POST /projects", func(c *call) (int, any) {
		owner := c.token.User
		namespace, _ := c.body["namespace_id"].(float64)
		for path, grp := range g.groups {
			if grp.id == int64(namespace) {
				owner = path
			}
		}
		for name, id := range g.users {
			if id == int64(namespace) {
				owner = name
			}
		}
		path := c.text("path")
		switch {
		case !g.mayOwn(c.token, owner):
			return http.StatusForbidden, "403 Forbidden"
		case g.projects[owner+"/"+path] != nil:
			return http.StatusBadRequest, map[string]any{"message": map[string]any{"name": []string{"has already been taken"}, "path": []string{"has already been taken"}}}
		}
		p, err := g.newProject(owner, path, c.body)
		if err != nil {
			return http.StatusInternalServerError, err.Error()
		}
		return http.StatusCreated, g.json(p)
	})
	g.project(mux, "GET", "", func(_ *call, p *GitLabProject) (int, any) { return http.StatusOK, g.json(p) })
	g.project(mux, "POST", "/members", func(c *call, p *GitLabProject) (int, any) {
		user, _ := c.body["user_id"].(float64)
		level, _ := c.body["access_level"].(float64)
		if p.Members[int64(user)] != 0 {
			return http.StatusConflict, "Member already exists"
		}
		p.Members[int64(user)] = int(level)
		return http.StatusCreated, map[string]any{}
	})
	g.project(mux, "POST", "/variables", func(c *call, p *GitLabProject) (int, any) {
		if slices.ContainsFunc(p.Variables, func(v map[string]any) bool {
			return v["key"] == c.body["key"] && v["environment_scope"] == c.body["environment_scope"]
		}) {
			return http.StatusBadRequest, map[string]any{"message": map[string]any{"key": []string{"(" + c.text("key") + ") has already been taken"}}}
		}
		p.Variables = append(p.Variables, c.body)
		return http.StatusCreated, map[string]any{}
	})
	g.project(mux, "POST", "/issues", func(c *call, p *GitLabProject) (int, any) {
		p.Issues = append(p.Issues, c.body)
		n := len(p.Issues)
		return http.StatusCreated, map[string]any{"id": g.id(), "iid": n, "web_url": fmt.Sprintf("%s/%s/%s/-/issues/%d", g.URL, p.Owner, p.Path, n)}
	})
}

// project registers a route below a project, for those who may change it.
func (g *GitLab) project(mux *http.ServeMux, method, below string, f func(c *call, p *GitLabProject) (int, any)) {
	g.handle(mux, method+" /projects/{project}"+below, func(c *call) (int, any) {
		name := c.PathValue("project")
		p := g.projects[name]
		for _, other := range g.projects {
			if strconv.FormatInt(other.ID, 10) == name {
				p = other
			}
		}
		if p == nil || !g.may(c.token, p) {
			return http.StatusNotFound, "404 Project Not Found"
		}
		return f(c, p)
	})
}

func (g *GitLab) routePipelines(mux *http.ServeMux) {
	g.project(mux, "POST", "/triggers", func(_ *call, p *GitLabProject) (int, any) {
		id := g.id()
		p.Triggers[id] = fmt.Sprintf("glptt-%d", id)
		return http.StatusCreated, map[string]any{"id": id, "token": p.Triggers[id]}
	})
	g.project(mux, "DELETE", "/triggers/{trigger}", func(c *call, p *GitLabProject) (int, any) {
		id, err := strconv.ParseInt(c.PathValue("trigger"), 10, 64)
		if _, ok := p.Triggers[id]; err != nil || !ok {
			return http.StatusNotFound, "404 Trigger Not Found"
		}
		delete(p.Triggers, id)
		return http.StatusNoContent, nil
	})
	g.project(mux, "POST", "/trigger/pipeline", func(c *call, p *GitLabProject) (int, any) {
		for _, token := range p.Triggers {
			if token == c.text("token") {
				p.Pipelines = append(p.Pipelines, c.body)
				return http.StatusCreated, map[string]any{"id": g.id(), "web_url": g.URL + "/" + p.Owner + "/" + p.Path + "/-/pipelines/" + url.PathEscape(c.text("ref"))}
			}
		}
		return http.StatusNotFound, "404 Not Found"
	})
}
