package app_test

import (
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "github.com/callboard/callboard"
	sdk      = module + "/sdk"
	internal = module + "/server/internal/"
)

// rims are the rooms that features stand on. A feature may import these, the SDK and catalog-info, and nothing else of
// the server; what it needs of another feature it takes as an interface, which app fills in.
var rims = []string{"config", "httpx", "auth", "permission", "store", "principal", "urlreader", "netguard", "weblink", "markdown"}

// bridge is the room that puts plugins into features: it implements their interfaces, so it may import any of them, and
// none of them may import it.
const bridge = "pluginhost"

// allowed are the imports between rooms that the general rule would refuse, each with its reason.
var allowed = map[string]string{
	"httpx -> principal":           "the edge carries who is calling",
	"httpx -> config":              "the edge reads its own options",
	"auth -> httpx":                "auth is a feature too: it has routes",
	"auth -> principal":            "tokens become principals",
	"auth -> config":               "auth reads its own options",
	"auth -> store":                "signing keys and user infos are rows",
	"permission -> httpx":          "permission is a feature too: it has routes",
	"permission -> principal":      "decisions are about principals",
	"permission -> config":         "permission reads its own options",
	"auth -> netguard":             "client metadata is fetched from public addresses only",
	"auth -> weblink":              "the host's own origin is written as browsers write it",
	"urlreader -> netguard":        "so are documents from hosts that a wildcard allows",
	"store -> config":              "the store reads backend.database",
	"markdown -> weblink":          "links lead where links of the host may lead",
	"search -> catalog":            "documents are made from the catalog's read model (package index), not from its engine",
	"usersettings -> signals":      "Broadcaster and Message are the vocabulary for pushes to open pages",
	"notifications -> signals":     "as usersettings",
	"actionregistry -> scaffolder": "actions are steps of templates too: package action is that seam",
	"urlreader -> config":          "the reader knows integrations and allowed hosts from the configuration",
}

func TestDependenciesPointInward(t *testing.T) {
	for _, p := range packages(t) {
		room, inServer := strings.CutPrefix(p.ImportPath, internal)
		if !inServer || room == "app" || strings.HasSuffix(room, "test") || strings.HasPrefix(room, "conformance") || strings.HasPrefix(room, "bench") {
			continue
		}
		room = first(room)
		for _, imported := range p.Imports {
			target, ok := strings.CutPrefix(imported, internal)
			if target = first(target); !ok || target == room {
				continue
			}
			if room == bridge {
				if target == "app" || target == "console" {
					t.Errorf("%s imports %s: only commands and app know the whole", p.ImportPath, imported)
				}
				continue
			}
			if slices.Contains(rims, room) {
				if _, ok := allowed[room+" -> "+target]; !ok {
					t.Errorf("%s imports %s: rooms that features stand on do not know each other or features", p.ImportPath, imported)
				}
				continue
			}
			if _, ok := allowed[room+" -> "+target]; !ok && !slices.Contains(rims, target) {
				t.Errorf("%s imports %s: features do not import each other; take an interface and let app fill it in", p.ImportPath, imported)
			}
		}
	}
}

func TestTechnologiesStayAtTheRim(t *testing.T) {
	for _, p := range packages(t) {
		for file, imports := range p.filesImports(t) {
			if imports["github.com/gin-gonic/gin"] && !strings.HasPrefix(p.ImportPath, internal+"httpx") && !strings.HasPrefix(file, "routes") && !benchmarks(p) {
				t.Errorf("%s/%s imports gin: only httpx and a feature's routes*.go do", p.ImportPath, file)
			}
			if imports["github.com/uptrace/bun"] && !strings.HasPrefix(p.ImportPath, internal+"store") && !strings.HasPrefix(file, "store") && !benchmarks(p) {
				t.Errorf("%s/%s imports bun: only store and a feature's store*.go do", p.ImportPath, file)
			}
		}
	}
}

func TestTheSDKStandsAlone(t *testing.T) {
	for _, p := range packages(t, "sdk") {
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, module) && !strings.HasPrefix(imported, sdk) {
				t.Errorf("%s imports %s: the SDK imports nothing of the host", p.ImportPath, imported)
			}
		}
	}
}

func TestOfficialPluginsImportOnlyTheSDK(t *testing.T) {
	const plugins = module + "/plugins/"
	for _, p := range packages(t, "plugins") {
		own := plugins + first(strings.TrimPrefix(p.ImportPath, plugins))
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) || imported == sdk || strings.HasPrefix(imported, sdk+"/") || imported == own || strings.HasPrefix(imported, own+"/") {
				continue
			}
			if own == plugins+"fakes" && strings.HasPrefix(imported, plugins) { // serves the fakes of them all
				continue
			}
			t.Errorf("%s imports %s: an official plugin is built as a partner's is, of the SDK alone", p.ImportPath, imported)
		}
	}
}

type pkg struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
}

func (p pkg) filesImports(t *testing.T) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	for _, file := range p.GoFiles {
		out[file] = importsOf(t, path.Join(p.Dir, file))
	}
	return out
}

// benchmarks measure gin itself beside the host.
func benchmarks(p pkg) bool { return strings.HasPrefix(p.ImportPath, internal+"bench") }

func packages(t *testing.T, dir ...string) []pkg {
	t.Helper()
	where := path.Join(append([]string{root(t)}, dir...)...)
	out, err := exec.Command("go", "-C", where, "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("go list found no packages")
	}
	return all
}

func root(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return path.Dir(strings.TrimSpace(string(out)))
}

func first(room string) string {
	room, _, _ = strings.Cut(room, "/")
	return room
}
