package scaffolder

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/task"
)

// settings are the options of the host's configuration. What lies under "scaffolder" is the reference's.
type settings struct {
	concurrency           int // tasks that run at once here; 0 = none
	timeout, janitorEvery time.Duration
	lease                 time.Duration
	retention, grace      time.Duration // of tasks that have ended, 0 = for ever; of running tasks when the host ends
	keepFiles             int           // bytes of a workspace that a takeover begins with; negative = none
	recovery              bool
	workingDir            string
	parameters            json.RawMessage // of the default environment, an object
	secrets               secret.Set      // likewise
}

const (
	minLease = time.Second
	maxGrace = 10 * time.Minute
)

// readSettings reads them; mistakes are reported to cfg. Relative folders are relative to dir.
func readSettings(cfg *config.Config, dir string) settings {
	stock, ours, environment := cfg.Section("scaffolder"), cfg.Section("callboard.scaffolder"), cfg.Section("scaffolder.defaultEnvironment")
	s := settings{
		concurrency:  stock.Int("concurrentTasksLimit", task.DefaultConcurrency),
		timeout:      stock.Duration("taskTimeout", 24*time.Hour),
		janitorEvery: stock.Duration("taskTimeoutJanitorFrequency", 5*time.Minute),
		lease:        ours.Duration("lease", task.DefaultLease),
		retention:    ours.Duration("retention", 0),
		grace:        ours.Duration("shutdownGrace", task.DefaultGrace),
		keepFiles:    ours.Int("keepFiles", task.DefaultKeepFiles),
		recovery:     stock.Bool("taskRecovery.enabled", stock.Bool("EXPERIMENTAL_recoverTasks", false)),
		workingDir:   within(dir, cfg.Section("backend").String("workingDirectory", os.TempDir())),
		parameters:   readObject(environment, "parameters"),
		secrets:      secret.Set{},
	}
	texts := environment.Section("secrets")
	for _, name := range texts.Keys() {
		s.secrets[name] = secret.New(texts.String(name, ""))
	}
	s.check(stock, ours)
	return s
}

// DataDir is the folder that keeps what outlives tasks: plans that wait for their approval, and the key of a host that was
// given none. Relative folders are relative to dir.
func DataDir(cfg *config.Config, dir string) string {
	return within(dir, cfg.Section("callboard.scaffolder").String("dataDir", ".cache"))
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// NewSealer closes what tasks leave in the database and in the folder of data. Without a configured key it may make the
// file of one there; the key of a database in memory ends with the process, as that does.
func NewSealer(cfg *config.Config, dir string, inMemory bool) (*secret.Sealer, error) {
	root := cfg.Root()
	if inMemory && !root.Has("callboard.secrets.keys") && !root.Has("backend.auth.keys") {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		return secret.NewSealer(key)
	}
	return secret.SealerFromConfig(root, DataDir(cfg, dir))
}

func (s settings) check(stock, ours *config.Section) {
	if s.concurrency < 0 {
		stock.Problem("concurrentTasksLimit", "must not be negative; 0 runs no tasks on this host")
	}
	if s.timeout <= 0 {
		stock.Problem("taskTimeout", "must be longer than nothing")
	}
	if s.janitorEvery <= 0 {
		stock.Problem("taskTimeoutJanitorFrequency", "must be longer than nothing")
	}
	if s.retention < 0 {
		ours.Problem("retention", "must not be negative; 0 keeps tasks for ever")
	}
	if s.grace <= 0 || s.grace > maxGrace {
		ours.Problem("shutdownGrace", fmt.Sprintf("must be more than nothing and at most %s", maxGrace))
	}
	if s.lease < minLease {
		ours.Problem("lease", "must be at least a second: a host that is busy for that long would lose its tasks")
	}
}

func readObject(s *config.Section, key string) json.RawMessage {
	value := s.Value(key)
	if value == nil {
		return json.RawMessage("{}")
	}
	if _, ok := value.(map[string]any); !ok {
		s.Problem(key, "must be an object")
		return json.RawMessage("{}")
	}
	data, err := json.Marshal(value)
	if err != nil {
		s.Problem(key, "must be JSON: "+err.Error())
		return json.RawMessage("{}")
	}
	return data
}
