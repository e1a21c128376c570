package launch

import (
	"fmt"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const (
	watchEvery = 500 * time.Millisecond
	// hardFactor leaves room between the limit, which is logged, and the end.
	hardNumerator, hardDenominator = 6, 5
)

// watch looks at what the process and its children use until they are gone, since only a delegated control group would make
// the kernel do it. Between two looks a plugin can take more; RLIMIT_DATA and RLIMIT_NPROC bound that.
func (p *Process) watch(gone <-chan struct{}) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	g := guard{limits: p.spec.Limits}
	for {
		select {
		case <-gone:
			return
		case <-ticker.C:
		}
		stats, err := measure(p.PID())
		if err != nil { // it just ended
			continue
		}
		p.usage.Store(&stats)
		switch verdict := g.judge(stats); {
		case verdict.kill != "":
			p.because(cause{text: verdict.kill, kill: true})
			p.Kill()
		case verdict.warn != "":
			p.output.logger.Warn(verdict.warn, "memory", stats.Private.String(), "processes", stats.Processes)
		}
	}
}

// Stats measures the process now; what cannot be measured any more is as it was when last looked at.
func (p *Process) Stats() Stats {
	select {
	case <-p.exited:
	default:
		if stats, err := measure(p.PID()); err == nil {
			return stats
		}
	}
	if last := p.usage.Load(); last != nil {
		return *last
	}
	return Stats{}
}

// guard judges measurements against limits.
type guard struct {
	limits manifest.Limits
	warned bool
}

type verdict struct{ warn, kill string }

// judge warns once when the memory limit is passed, again only after use has fallen below it, and kills at 1.2 times.
func (g *guard) judge(s Stats) verdict {
	limit := g.limits.Memory
	switch {
	case s.Private > limit/hardDenominator*hardNumerator:
		return verdict{kill: outOfMemory(limit)}
	case s.Processes > g.limits.Processes:
		return verdict{kill: fmt.Sprintf("process limit %d reached", g.limits.Processes)}
	case s.Private <= limit:
		g.warned = false
	case !g.warned:
		g.warned = true
		return verdict{warn: fmt.Sprintf("the plugin uses more than its memory limit %s; at 1.2 times it is killed", readable(limit))}
	}
	return verdict{}
}

func outOfMemory(limit manifest.Size) string {
	return fmt.Sprintf("memory limit %s reached", readable(limit))
}

// readable is a size with a space before its unit.
func readable(s manifest.Size) string {
	text := s.String()
	if at := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }); at > 0 {
		return text[:at] + " " + text[at:]
	}
	return text
}
