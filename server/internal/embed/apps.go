package embed

import (
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/weblink"
)

// SectionKey is where the settings are, and ConfigKeys are those below "callboard" that this package reads.
const SectionKey = "callboard.embed"

// ConfigKeys are the keys below "callboard" that this package reads.
var ConfigKeys = []string{SectionKey}

// The features that an app may have.
const (
	Export = "export" // the data as a file
	Forms  = "forms"  // widgets that take input
	TryIt  = "tryit"  // requests from API documentation
)

var features = []string{Export, Forms, TryIt}

// App is a portal that embeds widgets.
type App struct {
	ID, Title string
	// Origins are those of its pages, as browsers write them.
	Origins []string
	// Services are the subjects that may get tokens for it; Users says whether signed-in users may, for themselves.
	Services []string
	Users    bool
	// Widgets, Entities and Features are the most that its tokens allow; see principal.Embed.
	Widgets, Entities, Features []string
	// MayNameViewers lets its services ask for the rights of a user whom they have signed in.
	MayNameViewers bool
	// Session is how long a token can be refreshed.
	Session time.Duration
}

// Apps is the apps of the configuration, which may change while the host runs. It is safe for concurrent use.
type Apps struct {
	now atomic.Pointer[settings]
	log *slog.Logger
}

type settings struct {
	apps    map[string]App
	origins map[string]bool // of any app
	// public says whether there are pictures without credentials.
	public bool
}

// NewApps reads the section [SectionKey] of cfg. What is wrong with it is told by config.Err.
func NewApps(cfg *config.Config, log *slog.Logger) *Apps {
	a := &Apps{log: log}
	a.now.Store(read(cfg))
	return a
}

// CheckConfig reads everything that [NewApps] reads; what is wrong with it is told by config.Err.
func CheckConfig(cfg *config.Config) { read(cfg) }

// Reload takes the apps from a new version of the configuration; the former ones stay when it is wrong.
func (a *Apps) Reload(cfg *config.Config) {
	next := read(cfg)
	if err := cfg.Err(); err != nil {
		a.log.Warn("the embedding apps stay as they were", "error", err)
		return
	}
	a.now.Store(next)
}

// Find is the app with that id.
func (a *Apps) Find(id string) (App, bool) {
	app, ok := a.now.Load().apps[id]
	return app, ok
}

// AllowsOrigin reports whether a page of that origin is one of any app. It is for httpx.Feature.Origins.
func (a *Apps) AllowsOrigin(origin string) bool { return a.now.Load().origins[origin] }

func (a *Apps) pictures() bool { return a.now.Load().public }

// show reports whether any app of a service shows the widget for the entity.
func (a *Apps) show(service string, w Shown) bool {
	for _, app := range a.now.Load().apps {
		if slices.Contains(app.Services, service) && app.shows(w) {
			return true
		}
	}
	return false
}

func (a App) shows(w Shown) bool {
	if !principal.MatchAny(a.Widgets, w.Widget) {
		return false
	}
	if w.Entity == "" {
		return true
	}
	ref, err := entity.ParseRef(w.Entity, entity.Defaults{Namespace: "default"})
	return err == nil && principal.MatchAny(a.Entities, string(ref.Canonical()))
}

func read(cfg *config.Config) *settings {
	section := cfg.Section(SectionKey)
	for _, key := range section.Keys() {
		if key != "apps" && key != "pictures" {
			section.Problem(key, "is not known here, expected apps or pictures")
		}
	}
	s := &settings{apps: map[string]App{}, origins: map[string]bool{}, public: section.Bool("pictures", true)}
	apps := section.Section("apps")
	for _, id := range apps.Keys() {
		if !appID.MatchString(id) {
			apps.Problem(id, "must be named with lower-case letters, digits and dashes, 63 at most")
			continue
		}
		app := readApp(id, apps.Section(id))
		s.apps[id] = app
		for _, o := range app.Origins {
			s.origins[o] = true
		}
	}
	return s
}

var (
	appID   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	appKeys = []string{"title", "origins", "services", "users", "widgets", "entities", "features", "mayNameViewers", "session"}
)

const (
	usualSession, leastSession, longestSession = 8 * time.Hour, 10 * time.Minute, 7 * 24 * time.Hour
)

func readApp(id string, s *config.Section) App {
	for _, key := range s.Keys() {
		if !slices.Contains(appKeys, key) {
			s.Problem(key, "is not known here, expected one of "+strings.Join(appKeys, ", "))
		}
	}
	a := App{ID: id, Title: s.String("title", id), Services: s.Strings("services"), Users: s.Bool("users", false),
		Widgets: s.Strings("widgets"), Features: s.Strings("features"), MayNameViewers: s.Bool("mayNameViewers", false),
		Session: s.Duration("session", usualSession)}
	if !s.Has("services") {
		a.Services = []string{id}
	}
	if len(a.Widgets) == 0 {
		s.Problem("widgets", "must name widgets, such as cost/*")
	}
	for _, f := range a.Features {
		if !slices.Contains(features, f) {
			s.Problem("features", "must be some of "+strings.Join(features, ", "))
		}
	}
	if a.Session < leastSession || a.Session > longestSession {
		s.Problem("session", "must be from 10 minutes to 7 days")
	}
	a.Entities = readEntities(s)
	a.Origins = readOrigins(s)
	return a
}

func readEntities(s *config.Section) []string {
	if !s.Has("entities") {
		return []string{"*"}
	}
	var all []string
	for _, text := range s.Strings("entities") {
		pattern, err := entityPattern(text)
		if err != nil {
			s.Problem("entities", "must be entity refs, in which a star stands for any text, such as component:default/*")
			continue
		}
		all = append(all, pattern)
	}
	return all
}

// entityPattern is a ref as it is compared. A pattern is complete as it is: "component:*" is of every namespace.
func entityPattern(text string) (string, error) {
	if strings.Contains(text, "*") {
		return strings.ToLower(text), nil
	}
	ref, err := entity.ParseRef(text, entity.Defaults{})
	if err != nil {
		return "", err
	}
	return string(ref.Canonical()), nil
}

func readOrigins(s *config.Section) []string {
	all := map[string]bool{}
	for _, text := range s.Strings("origins") {
		origin := originOf(text)
		if origin == "" {
			s.Problem("origins", "must be origins of pages, such as https://portal.example.com, without path and without stars")
			continue
		}
		all[origin] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// originOf is an origin as browsers write it; "" for what is none.
func originOf(text string) string {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery ||
		strings.ContainsAny(u.Host, "*%'\";, ") || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return weblink.Origin(text)
}
