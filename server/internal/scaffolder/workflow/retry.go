package workflow

// Retried is where a task begins anew because a user asks for it. That is their decision, so what failed, and what was
// interrupted and could not be run again by itself, is run again. With keep, which is for hosts that recover tasks, what
// was completed stays so; without it, as in the reference, everything is run again. Checkpoints stay in any case.
func (s State) Retried(keep bool) State {
	again := State{Checkpoints: s.Checkpoints}
	if !keep {
		return again
	}
	again.Steps = make(map[string]StepState, len(s.Steps))
	for key, step := range s.Steps {
		if step.Status == Completed {
			again.Steps[key] = step
		} else if len(step.Done) > 0 {
			again.Steps[key] = StepState{Done: step.Done}
		}
	}
	return again
}
