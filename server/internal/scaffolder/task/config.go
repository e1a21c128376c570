package task

import (
	"time"

	"github.com/callboard/callboard/server/internal/config"
)

// minLease leaves room for a few heartbeats that come late.
const minLease = 500 * time.Millisecond

// ReadOptions reads what the configuration says, by the reference's keys under scaffolder and backend and by our own under
// callboard.scaffolder; root is the whole of it. Mistakes are reported to their section.
func ReadOptions(root *config.Section) Options {
	theirs, ours := root.Section("scaffolder"), root.Section("callboard.scaffolder")
	o := Options{
		Concurrency:      theirs.Int("concurrentTasksLimit", DefaultConcurrency),
		WorkingDirectory: root.String("backend.workingDirectory", ""),
		Recovery:         theirs.Bool("taskRecovery.enabled", theirs.Bool("EXPERIMENTAL_recoverTasks", false)),
		Timeout:          theirs.Duration("taskTimeout", DefaultTimeout),
		JanitorEvery:     theirs.Duration("taskTimeoutJanitorFrequency", DefaultJanitorEvery),
		Lease:            ours.Duration("lease", DefaultLease),
		Grace:            ours.Duration("shutdownGrace", DefaultGrace),
		Retention:        ours.Duration("retention", 0),
	}
	if o.Concurrency < 0 {
		theirs.Problem("concurrentTasksLimit", "must not be negative; 0 = this host runs no tasks")
	}
	if o.Lease < minLease {
		ours.Problem("lease", "must be at least "+minLease.String())
	}
	return o
}
