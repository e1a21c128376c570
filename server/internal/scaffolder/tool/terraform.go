package tool

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

type terraformSettings struct {
	programSettings

	// mirror is where providers come from: a folder or an https address. direct adds their registries.
	mirror string
	direct bool
	// grace is for an apply that is cancelled: terraform finishes what it is changing and writes its state. Killed
	// before that, it leaves resources behind that nobody knows of.
	grace time.Duration
	keep  time.Duration
	// approval: a plan is applied by another task than the one that made it, after somebody saw it.
	approval bool
}

func readTerraform(s *config.Section) terraformSettings {
	known(s, append([]string{"providers", "grace", "planRetention", "approval"}, programKeys...)...)
	providers := s.Section("providers")
	known(providers, "mirror", "direct")
	t := terraformSettings{
		programSettings: readProgram(s), mirror: providers.String("mirror", ""), grace: s.Duration("grace", 30*time.Second),
		keep: s.Duration("planRetention", 7*24*time.Hour), approval: s.Bool("approval", false),
	}
	t.direct = providers.Bool("direct", t.mirror == "")
	if t.mirror != "" && !filepath.IsAbs(t.mirror) && !strings.HasPrefix(t.mirror, "https://") {
		providers.Problem("mirror", "must be an absolute path or an https address")
	}
	for key, d := range map[string]time.Duration{"grace": t.grace, "planRetention": t.keep} {
		if d <= 0 {
			s.Problem(key, "must be longer than nothing")
		}
	}
	return t
}

// terraform has the four actions of one binary.
type terraform struct {
	terraformSettings

	path  string
	plans plans
}

func terraformActions(s *config.Section, path string, d Deps) ([]action.Action, error) {
	settings := readTerraform(s)
	f := &terraform{settings, path, plans{filepath.Join(d.DataDir, "scaffolder", "plans"), d.Sealer, settings.keep, time.Now}}
	plan, err1 := define("terraform:plan", "terraform-plan", settings.dryRun, f.plan)
	apply, err2 := define("terraform:apply", "terraform-apply", false, f.apply)
	destroy, err3 := define("terraform:destroy", "terraform-destroy", false, f.destroy)
	show, err4 := define("terraform:show", "terraform-show", settings.dryRun, f.show)
	return []action.Action{plan, apply, destroy, show}, errors.Join(err1, err2, err3, err4)
}

// session is terraform in one folder. Everything that it needs beside the configuration, and everything that may hold
// secrets, is in scratch.
type session struct {
	*terraform
	*step

	folder  string // absolute
	rel     string // in the workspace
	dir     *workspace.Dir
	scratch *workspace.Dir
}

// begin opens the folder rel. end removes what the session needed.
func (f *terraform) begin(t *step, rel string) (s *session, end func(), err error) {
	dir, scratch, end, err := t.files()
	if err != nil {
		return nil, nil, err
	}
	abs, err := folder(dir, rel)
	if err == nil {
		rel, err = dir.Resolve(path.Clean("./" + rel))
	}
	if err == nil {
		err = scratch.WriteFile("terraform.rc", f.cliConfig(), 0o600)
	}
	if err != nil {
		end()
		return nil, nil, err
	}
	return &session{f, t, abs, rel, dir, scratch}, end, nil
}

// in is the name of a file of the folder, as the workspace knows it.
func (s *session) in(name string) string { return path.Join(s.rel, name) }

// cliConfig is terraform's own configuration, in place of what a home folder might have.
func (f *terraform) cliConfig() []byte {
	var b bytes.Buffer
	b.WriteString("disable_checkpoint = true\n")
	if f.mirror == "" {
		return b.Bytes()
	}
	b.WriteString("provider_installation {\n")
	if strings.HasPrefix(f.mirror, "https://") {
		fmt.Fprintf(&b, "  network_mirror {\n    url = %s\n  }\n", strconv.Quote(strings.TrimSuffix(f.mirror, "/")+"/"))
	} else {
		fmt.Fprintf(&b, "  filesystem_mirror {\n    path = %s\n  }\n", strconv.Quote(f.mirror))
	}
	if f.direct {
		b.WriteString("  direct {}\n")
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// command is one call of terraform. Its data folder is ours, so that providers, modules and backends that a template
// brings in .terraform are not used.
func (s *session) command(args ...string) program.Command {
	in := func(name string) string { return filepath.Join(s.scratch.Name(), name) }
	return program.Command{
		Program: s.path, Args: args, Dir: s.folder, MaxOutput: maxShow,
		Env: append([]string{
			"TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=" + in("terraform.rc"), "TF_DATA_DIR=" + in("data"),
		}, s.env...),
	}
}

func (s *session) call(args ...string) error {
	_, err := s.execute(s.programSettings, s.command(args...))
	return err
}

// change is call for what changes the world, and may finish what it began.
func (s *session) change(args ...string) error {
	c := s.command(args...)
	c.Grace = s.grace
	_, err := s.execute(s.programSettings, c)
	return err
}

// connect brings providers and modules, and connects the backend.
func (s *session) connect(backend json.RawMessage) error {
	args := []string{"init", "-input=false", "-no-color"}
	if len(backend) > 0 {
		file, err := s.write("backend.tfbackend.json", backend)
		if err != nil {
			return err
		}
		args = append(args, "-backend-config="+file)
	}
	return s.call(args...)
}

// write puts data into a file that only terraform is told of, so that values are never arguments, which other processes
// of the machine could read.
func (s *session) write(name string, data []byte) (file string, err error) {
	return filepath.Join(s.scratch.Name(), name), s.scratch.WriteFile(name, data, 0o600)
}

const lockFile = ".terraform.lock.hcl"

// configHash is what the folder says, in names and contents. State, terraform's own folder and its lock file are not
// configuration: terraform itself holds a plan against them.
func (s *session) configHash() (string, error) {
	sum := sha256.New()
	err := s.dir.Walk(s.rel, func(name string, entry fs.DirEntry) error {
		base := path.Base(name)
		switch {
		case base == ".terraform" || base == ".git":
			return fs.SkipDir
		case base == lockFile || strings.Contains(base, ".tfstate") || base == "crash.log" || entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return apierror.Inputf("%s is not a regular file, which a configuration that is planned may not have", name)
		}
		f, err := s.dir.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		content := sha256.New()
		if _, err := io.Copy(content, f); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		fmt.Fprintf(sum, "%q %x\n", strings.TrimPrefix(name, s.rel+"/"), content.Sum(nil))
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}
