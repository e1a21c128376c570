package fake

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// state is what the server keeps.
type state struct {
	teams    []string
	projects []*Project
	releases []*Release
	nextID   int
}

// Project is one project.
type Project struct {
	ID, Slug, Name, Platform string
	Issues                   []*Issue
	// CrashFree is its rate of sessions without a crash; nil = it reports no sessions.
	CrashFree *float64
}

// Issue is one issue.
type Issue struct {
	ID, ShortID, Title, Culprit, Level, Status, Kind, Value, Function, File string
	Count, Users                                                            int
	FirstSeen, LastSeen                                                     time.Time
	Permalink                                                               string
}

// Release is one release.
type Release struct {
	Version   string
	Projects  []string
	URL       string
	CreatedAt time.Time
	Released  *time.Time
}

// fill makes a shop of three services, whose troubles are believable.
func (s *state) fill(now time.Time, pages string) {
	rate := func(f float64) *float64 { return &f }
	s.projects = []*Project{
		{ID: "41", Slug: "checkout", Name: "checkout", Platform: "go", CrashFree: rate(0.9962)},
		{ID: "42", Slug: "storefront", Name: "Storefront", Platform: "javascript-react", CrashFree: rate(0.9871)},
		{ID: "43", Slug: "inventory", Name: "inventory", Platform: "python"},
	}
	samples := []struct {
		project            int
		kind, value        string
		culprit, file      string
		level, status      string
		count, users, ages int
	}{
		{0, "TimeoutError", "inventory did not answer within 2s", "inventory.client in reserve", "client.go", "error", "unresolved", 184, 12, 21},
		{0, "PaymentDeclined", "card issuer answered 91", "payments.charge in authorize", "charge.go", "warning", "unresolved", 57, 49, 90},
		{0, "panic", "runtime error: index out of range [3] with length 3", "cart.totals in discount", "totals.go", "fatal", "unresolved", 6, 4, 2},
		{0, "DeadlockError", "deadlock detected", "orders.store in commit", "store.go", "error", "resolved", 31, 0, 40},
		{1, "TypeError", "Cannot read properties of undefined (reading 'price')", "ProductCard(src/product)", "product.tsx", "error", "unresolved", 942, 311, 9},
		{1, "ChunkLoadError", "Loading chunk 42 failed", "app:///static/main.js", "main.js", "error", "unresolved", 120, 118, 4},
		{2, "OperationalError", "could not connect to server: Connection refused", "stock.sync in refresh", "sync.py", "error", "unresolved", 14, 0, 1},
	}
	for _, sample := range samples {
		s.add(s.projects[sample.project], &Issue{
			Title: sample.kind + ": " + sample.value, Kind: sample.kind, Value: sample.value, Culprit: sample.culprit, File: sample.file,
			Level: sample.level, Status: sample.status, Count: sample.count, Users: sample.users,
			FirstSeen: now.AddDate(0, 0, -sample.ages), LastSeen: now.Add(-time.Duration(sample.count%50+1) * time.Minute),
		}, pages)
	}
	for i, version := range []string{"checkout@1.4.1", "checkout@1.4.0", "storefront@2026.11.3"} {
		at := now.AddDate(0, 0, -2*i-1)
		s.releases = append(s.releases, &Release{Version: version, Projects: []string{s.projects[i/2].Slug}, CreatedAt: at, Released: &at})
	}
}

func (s *state) add(p *Project, i *Issue, pages string) {
	if i.ID == "" {
		s.nextID++
		i.ID = strconv.Itoa(s.nextID)
	}
	i.ShortID = fmt.Sprintf("%s-%X", p.Slug, len(p.Issues)+1)
	i.Permalink = pages + "/issues/" + i.ID + "/"
	p.Issues = append(p.Issues, i)
}

func (s *state) project(slug string) *Project {
	i := slices.IndexFunc(s.projects, func(p *Project) bool { return p.Slug == slug })
	if i < 0 {
		return nil
	}
	return s.projects[i]
}

func (s *state) byID(id string) *Project {
	i := slices.IndexFunc(s.projects, func(p *Project) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return s.projects[i]
}

// Put adds a project, or replaces the one of its slug. Addresses and short ids of its issues are made, and ids where there
// are none.
func (s *Server) Put(p Project) {
	s.mu.Lock()
	defer s.mu.Unlock()
	issues := p.Issues
	p.Issues = nil
	for _, i := range issues {
		own := *i
		s.state.add(&p, &own, s.pages())
	}
	if i := slices.IndexFunc(s.state.projects, func(known *Project) bool { return known.Slug == p.Slug }); i >= 0 {
		s.state.projects[i] = &p
		return
	}
	s.state.projects = append(s.state.projects, &p)
}

// PutReleases replaces the releases; the newest stands first.
func (s *Server) PutReleases(list ...Release) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.releases = nil
	for _, r := range list {
		s.state.releases = append(s.state.releases, &r)
	}
}

// Add adds an issue to a project; its short id and address are made, and its id if it has none.
func (s *Server) Add(project string, i Issue) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.state.project(project)
	if p == nil {
		panic("fake: no project " + project)
	}
	s.state.add(p, &i, s.pages())
	return i.ID
}

// Resolve resolves an issue.
func (s *Server) Resolve(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.state.projects {
		for _, i := range p.Issues {
			if i.ID == id {
				i.Status = "resolved"
			}
		}
	}
}

// Projects are the slugs of the projects, in the order in which they were made.
func (s *Server) Projects() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var slugs []string
	for _, p := range s.state.projects {
		slugs = append(slugs, p.Slug)
	}
	return slugs
}

// Releases are the releases, the newest first.
func (s *Server) Releases() []Release {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Release
	for _, r := range s.state.releases {
		list = append(list, *r)
	}
	return list
}
