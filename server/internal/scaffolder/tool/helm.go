package tool

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// maxManifests bounds what a chart may render.
const maxManifests = 8 << 20

type helm struct {
	programSettings

	path string
	// repositories are addresses by name: charts from elsewhere than the workspace come from these alone.
	repositories map[string]string
}

func readHelm(s *config.Section) helm {
	known(s, append([]string{"repositories"}, programKeys...)...)
	h := helm{programSettings: readProgram(s), repositories: map[string]string{}}
	repositories := s.Section("repositories")
	for _, name := range repositories.Keys() {
		address := repositories.String(name, "")
		if u, err := url.Parse(address); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			repositories.Problem(name, "must be the http or https address of a chart repository")
			continue
		}
		h.repositories[name] = address
	}
	return h
}

// helmActions offers helm:template. It supports dry runs without being asked: a chart is text that helm fills in, without
// network, cluster or code.
func helmActions(s *config.Section, path string, _ Deps) ([]action.Action, error) {
	h := readHelm(s)
	h.path = path
	a, err := define("helm:template", "helm-template", true, h.template)
	return []action.Action{a}, err
}

type helmInput struct {
	Chart      string          `json:"chart"`
	Version    string          `json:"version"`
	Values     json.RawMessage `json:"values"`
	ValueFiles []string        `json:"valueFiles"`
	Release    string          `json:"release"`
	Namespace  string          `json:"namespace"`
	OutputPath string          `json:"outputPath"`
}

func (h helm) template(t *step, in helmInput) error {
	dir, scratch, end, err := t.files()
	if err != nil {
		return err
	}
	defer end()
	output, err := dir.Resolve(in.OutputPath)
	if err != nil {
		return err
	}
	args, err := h.args(dir, scratch, in)
	if err != nil {
		return err
	}
	manifests, err := t.inspect(h.programSettings, program.Command{
		Program: h.path, Args: args, Dir: scratch.Name(), MaxOutput: maxManifests,
		Env: append([]string{
			"HELM_PLUGINS=" + filepath.Join(scratch.Name(), "plugins"), "KUBECONFIG=/dev/null", "HELM_NO_PLUGINS=1",
		}, h.env...),
	})
	if err != nil {
		return err
	}
	if err := dir.WriteFile(output, manifests, 0o644); err != nil {
		return err
	}
	count := strings.Count("\n"+string(manifests), "\n---\n")
	t.Infof("Rendered %s as %s: %d manifests in %s", in.Chart, in.Release, count, output)
	t.Output("path", output)
	t.Output("manifests", count)
	return nil
}

// args leaves nothing to guess: whatever begins with a dash in an input is refused by its schema.
func (h helm) args(dir, scratch *workspace.Dir, in helmInput) ([]string, error) {
	chart, err := h.chart(dir, in)
	if err != nil {
		return nil, err
	}
	args := append([]string{"template", in.Release}, chart...)
	args = append(args, "--include-crds")
	if in.Namespace != "" {
		args = append(args, "--namespace="+in.Namespace)
	}
	for _, name := range in.ValueFiles {
		file, err := dir.Path(name)
		if err != nil {
			return nil, err
		}
		args = append(args, "--values="+file)
	}
	if len(in.Values) > 0 {
		if err := scratch.WriteFile("values.json", in.Values, 0o600); err != nil {
			return nil, err
		}
		args = append(args, "--values="+filepath.Join(scratch.Name(), "values.json"))
	}
	return args, nil
}

// chart is a folder of the workspace, written ./name, or a chart of a repository that is configured, written repository/name.
func (h helm) chart(dir *workspace.Dir, in helmInput) ([]string, error) {
	if in.Chart == "." || strings.HasPrefix(in.Chart, "./") {
		path, err := folder(dir, in.Chart)
		return []string{path}, err
	}
	repository, name, _ := strings.Cut(in.Chart, "/")
	address, ok := h.repositories[repository]
	switch {
	case !ok:
		return nil, apierror.NotAllowedf("chart: there is no repository %q in callboard.scaffolder.helm.repositories; a chart in the workspace is written ./%s", repository, in.Chart)
	case in.Version == "":
		return nil, apierror.Inputf("version: say which version of %s is wanted", in.Chart)
	}
	return []string{name, "--repo=" + address, "--version=" + in.Version}, nil
}
