package tool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/callboard/callboard/sdk/apierror"
)

type applyInput struct {
	PlanID   string `json:"planId"`
	PlanHash string `json:"planHash"`
	Folder   string `json:"workingDirectory"`
}

// apply carries out one approved plan, once.
func (f *terraform) apply(t *step, in applyInput) error {
	r, err := f.plans.get(in.PlanID)
	if err != nil {
		return err
	}
	if err := r.check(in.PlanHash); err != nil {
		return err
	}
	if f.approval && r.Task == t.Task {
		return apierror.NotAllowedf("the plan %s was made by this task: callboard.scaffolder.terraform.approval wants a plan to be seen first; start a task that applies it with its id and hash", r.ID)
	}
	if in.Folder == "" {
		in.Folder = r.Folder
	}
	s, end, err := f.begin(t, in.Folder)
	if err != nil {
		return err
	}
	defer end()
	if err := s.checkConfig(r); err != nil {
		return err
	}
	if err := s.reopen(r); err != nil {
		return err
	}
	if _, err := f.plans.take(in.PlanID, in.PlanHash); err != nil {
		return err
	}
	t.Infof("Applying the plan %s of %s: %s", r.ID, r.Created.Format("2006-01-02 15:04 MST"), r.Shown.Summary)
	if err := s.applyPlan(); err != nil {
		return err
	}
	t.Output("summary", r.Shown.Summary)
	return s.tellOutputs()
}

// checkConfig holds the folder against what was planned. Terraform applies what the plan file says in any case, but files
// that provisioners and modules read belong to what was approved.
func (s *session) checkConfig(r planRecord) error {
	now, err := s.configHash()
	if err != nil {
		return err
	}
	if now != r.Config {
		return apierror.Conflictf("the configuration in %q is not the one that the plan %s was made of; plan again", s.rel, r.ID)
	}
	return nil
}

// reopen prepares the folder for a plan that was kept: its providers, its backend, its file.
func (s *session) reopen(r planRecord) error {
	if len(r.Lock) > 0 {
		if err := s.dir.WriteFile(s.in(lockFile), r.Lock, 0o644); err != nil {
			return err
		}
	}
	if err := s.connect(r.Backend); err != nil {
		return err
	}
	return s.scratch.WriteFile(planFile, r.Plan, 0o600)
}

func (s *session) applyPlan() error {
	return s.change("apply", "-input=false", "-no-color", "-lock-timeout=60s", filepath.Join(s.scratch.Name(), planFile))
}

type destroyInput struct {
	Folder    string          `json:"workingDirectory"`
	Variables json.RawMessage `json:"variables"`
	Backend   json.RawMessage `json:"backendConfig"`
	Confirm   bool            `json:"confirm"`
}

// destroy plans the end of everything and carries it out.
func (f *terraform) destroy(t *step, in destroyInput) error {
	switch {
	case f.approval:
		return apierror.NotAllowedf("callboard.scaffolder.terraform.approval wants a plan to be seen first: use terraform:plan with destroy, and terraform:apply in another task")
	case !in.Confirm:
		return apierror.Inputf("confirm: it must be true, because everything that the configuration made is destroyed")
	}
	s, end, err := f.begin(t, in.Folder)
	if err != nil {
		return err
	}
	defer end()
	r, err := s.makePlan(planInput{Folder: in.Folder, Variables: in.Variables, Backend: in.Backend, Destroy: true})
	if err != nil {
		return err
	}
	t.Output("summary", r.Shown.Summary)
	t.Output("text", r.Shown.Text)
	return s.applyPlan()
}

// tellOutputs sets the configuration's outputs as one of the step. Sensitive ones are left out: outputs of steps are
// shown to people.
func (s *session) tellOutputs() error {
	data, err := s.inspect(s.programSettings, s.command("output", "-json"))
	if err != nil {
		return err
	}
	var all map[string]struct {
		Sensitive bool            `json:"sensitive"`
		Value     json.RawMessage `json:"value"`
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&all); err != nil {
		return fmt.Errorf("read the outputs of terraform: %w", err)
	}
	values := map[string]json.RawMessage{}
	for name, o := range all {
		if !o.Sensitive {
			values[name] = o.Value
		}
	}
	s.Output("outputs", values)
	return nil
}
