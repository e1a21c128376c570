package sandbox

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const (
	defaultFileSize = manifest.Size(1 << 30)
	// tasksPerProcess and spareTasks turn a number of processes into one of threads, which is what RLIMIT_NPROC counts: Node
	// starts a dozen for nothing. The host's watcher counts processes; this is the end of a fork bomb.
	tasksPerProcess, spareTasks = 4, 64
	// dataFactor and spareData make RLIMIT_DATA a backstop for what a process takes between two looks of the watcher.
	// Runtimes map much more than they use (Go 64 MiB at a time, 8 MiB for each thread of C); RLIMIT_AS would count even
	// what they only reserve, and is not used.
	dataFactor, spareData = 4, manifest.Size(1 << 30)
	// weight makes the host, with nice 0, win where both want the CPU: it gets nine parts of ten.
	weight = 10
	// oomScore makes the kernel end plugins before the host when memory runs out altogether.
	oomScore = "500"
)

// limit sets what the kernel counts. Limits are lowered only: one that is lower already stays.
func (l *launcher) limit() error {
	limits := l.order.Policy.Limits.WithDefaults()
	size := l.order.Policy.FileSize
	if size == 0 {
		size = defaultFileSize
	}
	set := map[int]uint64{
		unix.RLIMIT_CORE:   0,
		unix.RLIMIT_NOFILE: uint64(limits.OpenFiles),
		unix.RLIMIT_FSIZE:  uint64(size),
		unix.RLIMIT_DATA:   uint64(limits.Memory*dataFactor + spareData),
	}
	switch {
	case !l.order.OwnUser:
		l.report.note("processes are counted by the watcher alone: the plugin shares the host's user")
	case l.order.UID == 0:
		l.report.note("processes are counted by the watcher alone: the kernel does not limit root's")
	default:
		set[unix.RLIMIT_NPROC] = uint64(limits.Processes*tasksPerProcess + spareTasks)
	}
	for resource, most := range set {
		if err := lower(resource, most); err != nil {
			return err
		}
	}
	l.report.Rlimits = true
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte(oomScore), 0) // a preference; containers may forbid it
	return nil
}

// weigh lowers the priority of the calling thread and of what it starts, unless the host's own is as low already.
func weigh() {
	if inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil && 20-inverse < weight { // the system call answers 20 - nice
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, weight) // lowering is always allowed
	}
}

func lower(resource int, most uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return fmt.Errorf("read resource limit %d: %w", resource, err)
	}
	most = min(most, now.Max)
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return fmt.Errorf("set resource limit %d to %d: %w", resource, most, err)
	}
	return nil
}
