package templating

import (
	"fmt"
	"time"

	"github.com/callboard/callboard/server/internal/config"
)

// Bounds of what an operator may allow one rendering.
const (
	minTimeout, maxTimeout = 100 * time.Millisecond, 5 * time.Minute
	minMemory, maxMemory   = 16 << 20, 1 << 30
)

// SectionKey is where [ReadLimits] finds its section below callboard.scaffolder.
const SectionKey = "templates"

// ReadLimits reads the limits of one rendering, timeout and memory (bytes), into Options; what is absent has its default.
// Mistakes are reported to s.
func ReadLimits(s *config.Section) Options {
	o := Options{Timeout: s.Duration("timeout", DefaultTimeout), Memory: s.Int("memory", DefaultMemory)}
	if o.Timeout < minTimeout || o.Timeout > maxTimeout {
		s.Problem("timeout", fmt.Sprintf("must be %s to %s", minTimeout, maxTimeout))
	}
	if o.Memory < minMemory || o.Memory > maxMemory {
		s.Problem("memory", fmt.Sprintf("must be %d to %d bytes", minMemory, maxMemory))
	}
	return o
}
