package tool

import (
	"encoding/json"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// ansible runs playbooks. A playbook may run anything on the host by its nature; what is kept from a template here is
// the behaviour of ansible itself: its configuration, plugins, inventory scripts.
type ansible struct {
	programSettings

	path string
	// privateKey and knownHosts are files for ssh; host keys are always checked.
	privateKey, knownHosts string
	remoteUser             string
}

func readAnsible(s *config.Section) ansible {
	known(s, append([]string{"privateKey", "knownHosts", "remoteUser"}, programKeys...)...)
	a := ansible{programSettings: readProgram(s), privateKey: s.String("privateKey", ""), knownHosts: s.String("knownHosts", "/dev/null"), remoteUser: s.String("remoteUser", "")}
	for key, file := range map[string]string{"privateKey": a.privateKey, "knownHosts": a.knownHosts} {
		if file != "" && (!filepath.IsAbs(file) || strings.ContainsAny(file, " \"'\\%")) {
			s.Problem(key, "must be an absolute path without blanks and quotes")
		}
	}
	return a
}

// maxPlay is how far the recap may be from the beginning of what ansible prints.
const maxPlay = 16 << 20

func ansibleActions(s *config.Section, path string, _ Deps) ([]action.Action, error) {
	a := readAnsible(s)
	a.path, a.stderr = path, "warn" // what fails in a playbook is told on the other stream
	made, err := define("ansible:playbook", "ansible-playbook", a.dryRun, a.playbook)
	return []action.Action{made}, err
}

type playbookInput struct {
	Playbook  string          `json:"playbook"`
	Inventory json.RawMessage `json:"inventory"` // a file, or a list of hosts
	ExtraVars json.RawMessage `json:"extraVars"`
	Check     bool            `json:"check"`
	Limit     string          `json:"limit"`
	Tags      []string        `json:"tags"`
	SkipTags  []string        `json:"skipTags"`
}

// playbook also runs in dry runs where they are switched on, then as ansible's check mode.
func (a ansible) playbook(t *step, in playbookInput) error {
	dir, scratch, end, err := t.files()
	if err != nil {
		return err
	}
	defer end()
	in.Check = in.Check || t.DryRun
	book, err := dir.Path(in.Playbook)
	if err != nil {
		return err
	}
	if err := refusePlugins(dir); err != nil {
		return err
	}
	if err := scratch.WriteFile(ansibleConfig, nil, 0o600); err != nil {
		return err
	}
	args, err := a.args(dir, scratch, in)
	if err != nil {
		return err
	}
	c := program.Command{Program: a.path, Args: append(args, book), Dir: filepath.Dir(book), MaxOutput: maxPlay, Env: append(a.neutral(scratch.Name()), a.env...)}
	result, err := t.execute(a.programSettings, c)
	recap := readRecap(string(result.Stdout))
	t.Output("hosts", recap)
	t.Output("changed", slices.ContainsFunc(recap, func(h hostRecap) bool { return h.Counts["changed"] > 0 }))
	return err
}

// ansibleConfig is empty: with a file of that name ansible looks at no other.
const ansibleConfig = "ansible.cfg"

// neutral makes ansible what it is without anybody's configuration.
func (a ansible) neutral(scratch string) []string {
	ssh := "-o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=" + a.knownHosts
	return []string{
		"ANSIBLE_CONFIG=" + filepath.Join(scratch, ansibleConfig), "ANSIBLE_NOCOLOR=1", "ANSIBLE_NOCOWS=1", "ANSIBLE_RETRY_FILES_ENABLED=0", "ANSIBLE_LOCALHOST_WARNING=0",
		"ANSIBLE_HOST_KEY_CHECKING=1", "ANSIBLE_SSH_ARGS=" + ssh, "ANSIBLE_STDOUT_CALLBACK=default",
		"ANSIBLE_INVENTORY_ENABLED=host_list,yaml,ini", // not the kind that runs the inventory as a program
		"ANSIBLE_HOME=" + filepath.Join(scratch, "ansible"), "ANSIBLE_LOCAL_TEMP=" + filepath.Join(scratch, "tmp"), "PYTHONDONTWRITEBYTECODE=1",
	}
}

func (a ansible) args(dir, scratch *workspace.Dir, in playbookInput) ([]string, error) {
	inventory, err := readInventory(dir, in.Inventory)
	if err != nil {
		return nil, err
	}
	args := []string{"--inventory=" + inventory}
	if len(in.ExtraVars) > 0 {
		if err := scratch.WriteFile("vars.json", in.ExtraVars, 0o600); err != nil {
			return nil, err
		}
		args = append(args, "--extra-vars=@"+filepath.Join(scratch.Name(), "vars.json"))
	}
	if in.Check {
		args = append(args, "--check", "--diff")
	}
	for flag, value := range map[string]string{"--limit=": in.Limit, "--tags=": strings.Join(in.Tags, ","), "--skip-tags=": strings.Join(in.SkipTags, ","), "--private-key=": a.privateKey, "--user=": a.remoteUser} {
		if value != "" {
			args = append(args, flag+value)
		}
	}
	return args, nil
}

var hostNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// readInventory is a file of the workspace, or a list of hosts. A comma at the end is how ansible knows the latter.
func readInventory(dir *workspace.Dir, in json.RawMessage) (string, error) {
	var file string
	if json.Unmarshal(in, &file) == nil {
		return dir.Path(file)
	}
	var hosts []string
	if err := json.Unmarshal(in, &hosts); err != nil || len(hosts) == 0 {
		return "", apierror.Inputf("inventory: it must be a file of the workspace or a list of hosts")
	}
	for _, h := range hosts {
		if !hostNames.MatchString(h) {
			return "", apierror.Inputf("inventory: %q is not the name of a host", h)
		}
	}
	return strings.Join(hosts, ",") + ",", nil
}

// pluginFolders are where ansible takes Python from that lies beside a playbook or in a role.
var pluginFolders = regexp.MustCompile(`^(library|module_utils|collections|\w+_plugins)$`)

// refusePlugins keeps a template from changing ansible itself.
func refusePlugins(dir *workspace.Dir) error {
	return dir.Walk(".", func(name string, entry fs.DirEntry) error {
		base := path.Base(name)
		switch {
		case base == ".git":
			return fs.SkipDir
		case (entry.IsDir() || entry.Type()&fs.ModeSymlink != 0) && pluginFolders.MatchString(base):
			return apierror.NotAllowedf("%s: modules and plugins of ansible must be installed on the host, a workspace may not bring any", name)
		}
		return nil
	})
}

// hostRecap is what became of one host.
type hostRecap struct {
	Host   string         `json:"host"`
	Counts map[string]int `json:"counts"` // ok, changed, unreachable, failed, skipped, rescued, ignored
}

var (
	recapLines  = regexp.MustCompile(`(?m)^(\S+)\s+:((?:\s+\w+=\d+)+)\s*$`)
	recapCounts = regexp.MustCompile(`(\w+)=(\d+)`)
)

// readRecap reads the lines after PLAY RECAP: "web1 : ok=3 changed=1 unreachable=0 failed=0".
func readRecap(output string) []hostRecap {
	_, after, _ := strings.Cut(output, "\nPLAY RECAP ")
	all := []hostRecap{}
	for _, line := range recapLines.FindAllStringSubmatch(after, -1) {
		h := hostRecap{Host: line[1], Counts: map[string]int{}}
		for _, count := range recapCounts.FindAllStringSubmatch(line[2], -1) {
			n, err := strconv.Atoi(count[2])
			if err == nil {
				h.Counts[count[1]] = n
			}
		}
		all = append(all, h)
	}
	return all
}
