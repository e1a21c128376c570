package scaffolder

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// settings are the options of the host's configuration. What lies under "scaffolder" is the reference's.
type settings struct {
	concurrency           int // tasks that run at once here; 0 = none
	timeout, janitorEvery time.Duration
	lease                 time.Duration
	recovery              bool
	workingDir            string
	dataDir               string
	parameters            json.RawMessage // of the default environment, an object
	secrets               secret.Set      // likewise
}

const (
	defaultConcurrency = 10
	minLease           = time.Second
)

// readSettings reads them; mistakes are reported to cfg. Relative folders are relative to dir.
func readSettings(cfg *config.Config, dir string) settings {
	stock, ours, environment := cfg.Section("scaffolder"), cfg.Section("callboard.scaffolder"), cfg.Section("scaffolder.defaultEnvironment")
	s := settings{
		concurrency:  stock.Int("concurrentTasksLimit", defaultConcurrency),
		timeout:      stock.Duration("taskTimeout", 24*time.Hour),
		janitorEvery: stock.Duration("taskTimeoutJanitorFrequency", 5*time.Minute),
		lease:        ours.Duration("lease", 5*time.Second),
		recovery:     stock.Bool("taskRecovery.enabled", stock.Bool("EXPERIMENTAL_recoverTasks", false)),
		workingDir:   cfg.Section("backend").String("workingDirectory", os.TempDir()),
		dataDir:      ours.String("dataDir", filepath.Join(".cache", "scaffolder")),
		parameters:   readObject(environment, "parameters"),
		secrets:      secret.Set{},
	}
	for _, path := range []*string{&s.workingDir, &s.dataDir} {
		if !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	texts := environment.Section("secrets")
	for _, name := range texts.Keys() {
		s.secrets[name] = secret.New(texts.String(name, ""))
	}
	s.check(stock, ours)
	return s
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
