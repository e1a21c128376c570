// Package tool has the actions that reach beyond the workspace: http:request, terraform:plan|apply|destroy|show,
// helm:template, ansible:playbook and ci:trigger. Each is offered only when its section of callboard.scaffolder is
// configured, because each lets templates do something that the operator has to want.
//
// terraform and ansible run what a template brings as the host's user: whoever may write their templates may run programs
// on the host. The sections say what else they are given; nothing of the host's environment is.
package tool

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// ConfigKeys are the keys below callboard.scaffolder that this package reads.
var ConfigKeys = []string{"http", "terraform", "helm", "ansible", "ci"}

// Deps are what the actions need of the host.
type Deps struct {
	// DataDir is the host's durable folder. Plans of terraform are kept in scaffolder/plans below it.
	DataDir string
	// Sealer closes the plans, which hold variables in clear.
	Sealer *secret.Sealer
	Logger *slog.Logger
}

// kind is the actions of one section.
type kind struct {
	key, program string
	check        func(s *config.Section)
	make         func(s *config.Section, path string, d Deps) ([]action.Action, error)
}

func kinds() []kind {
	return []kind{
		{"http", "", func(s *config.Section) { readHTTP(s) }, httpActions},
		{"terraform", "terraform", func(s *config.Section) { readTerraform(s) }, terraformActions},
		{"helm", "helm", func(s *config.Section) { readHelm(s) }, helmActions},
		{"ansible", "ansible-playbook", func(s *config.Section) { readAnsible(s) }, ansibleActions},
		{"ci", "", func(s *config.Section) { readCI(s) }, ciActions},
	}
}

// CheckConfig reports mistakes in the section callboard.scaffolder through it. No program is looked for.
func CheckConfig(cfg *config.Section) {
	for _, k := range kinds() {
		if configured(cfg, k.key) {
			k.check(cfg.Section(k.key))
		}
	}
}

// Actions are those that the section callboard.scaffolder asks for. Mistakes in it are reported through it. An action
// whose program is missing is left out, and the log says so: the host's other templates still work.
func Actions(cfg *config.Section, d Deps) ([]action.Action, error) {
	var all []action.Action
	for _, k := range kinds() {
		if !configured(cfg, k.key) {
			continue
		}
		s := cfg.Section(k.key)
		path, ok := findProgram(s, k.program, d.Logger)
		if !ok {
			continue
		}
		made, err := k.make(s, path, d)
		if err != nil {
			return nil, fmt.Errorf("offer the actions of %s: %w", s.Path(), err)
		}
		all = append(all, made...)
	}
	return all, nil
}

// configured reports whether a section is there. A later file of the configuration switches it off by false.
func configured(cfg *config.Section, key string) bool {
	return cfg.Has(key) && cfg.Value(key) != false
}

func findProgram(s *config.Section, name string, log *slog.Logger) (path string, ok bool) {
	if name == "" {
		return "", true
	}
	path, err := program.Find(s.String("path", name))
	if err != nil {
		log.Warn("Actions are not offered because their program is missing: install it or set its path",
			"section", s.Path(), "key", s.Path()+".path", "error", err)
	}
	return path, err == nil
}

// programSettings are what the sections of programs have in common.
type programSettings struct {
	timeout time.Duration
	env     []string
	// dryRun: the program may also run in dry runs, whose templates are whatever a user types.
	dryRun bool
	// stderr is the level of what is printed there, "" = error.
	stderr string
	// hidden are the values of env, which may be credentials.
	hidden *secret.Redactor
}

var programKeys = []string{"path", "timeout", "environment", "dryRun"}

func readProgram(s *config.Section) programSettings {
	p := programSettings{timeout: s.Duration("timeout", 30*time.Minute), dryRun: s.Bool("dryRun", false), hidden: secret.NewRedactor()}
	if p.timeout <= 0 {
		s.Problem("timeout", "must be longer than nothing")
	}
	environment := s.Section("environment")
	for _, name := range environment.Keys() {
		value := environment.String(name, "")
		if strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			environment.Problem(name, "must be a variable's name and its value")
			continue
		}
		p.env = append(p.env, name+"="+value)
		if len(value) >= 6 { // regions and the like are no secrets
			p.hidden.Add(secret.New(value))
		}
	}
	return p
}

// known reports keys that mean nothing.
func known(s *config.Section, keys ...string) {
	for _, key := range s.Keys() {
		if !slices.Contains(keys, key) {
			s.Problem(key, "is not known here; there are "+strings.Join(keys, ", "))
		}
	}
}
