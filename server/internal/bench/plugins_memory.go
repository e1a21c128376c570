package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Numbers of the memory part.
const (
	memoryCalls = 1000
	fewPlugins  = 1
	manyPlugins = 9
	calm        = 3 * time.Second
)

// memory shows what one plugin holds, and what it makes the host hold.
func memory(ctx context.Context, o options, s *workshop, w io.Writer) error {
	if err := pluginMemory(ctx, o, s, w); err != nil {
		return err
	}
	return hostMemory(ctx, o, s, w)
}

func pluginMemory(ctx context.Context, o options, s *workshop, w io.Writer) error {
	h, err := s.host(ctx, o, site{name: "memory"}, "auto", map[string]string{helloGo: s.path(helloGo)})
	if err != nil {
		return err
	}
	defer h.stop()
	v, err := h.await(ctx, helloGo)
	if err != nil {
		return err
	}
	time.Sleep(calm)
	fmt.Fprintf(w, "private memory of %s: idle %s", helloGo, held(v.PID))
	rq := request{name: "greeting", method: http.MethodGet, path: "/api/" + helloGo + "/greeting/ann"}
	asked := 0
	for asked < memoryCalls {
		r, err := load(ctx, h.target(), rq, token, connections, 50*time.Millisecond)
		if err != nil {
			return err
		}
		asked += r.requests
	}
	fmt.Fprintf(w, "; after %d calls %s", asked, held(v.PID))
	r, err := load(ctx, h.target(), rq, token, connections, o.seconds)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "; after %d %s\n", asked+r.requests, held(v.PID))
	return nil
}

// footprint is what a host holds.
type footprint struct{ private, heap, threads, files, goroutines int64 }

// hostMemory compares hosts that differ in the number of plugins.
func hostMemory(ctx context.Context, o options, s *workshop, w io.Writer) error {
	few, err := s.footprint(ctx, o, fewPlugins)
	if err != nil {
		return err
	}
	many, err := s.footprint(ctx, o, manyPlugins)
	if err != nil {
		return err
	}
	const more = manyPlugins - fewPlugins
	fmt.Fprintf(w, "the host's private memory with %d plugin %s, with %d %s; one more costs it %d KB (heap in use %d KB), %.1f threads, %.1f files, %.1f goroutines\n\n",
		fewPlugins, tenths(few.private), manyPlugins, tenths(many.private), (many.private-few.private)/more>>10, (many.heap-few.heap)/more>>10,
		float64(many.threads-few.threads)/more, float64(many.files-few.files)/more, float64(many.goroutines-few.goroutines)/more)
	return nil
}

// footprint starts a host with that many plugins of the same program and lets it rest.
func (s *workshop) footprint(ctx context.Context, o options, plugins int) (f footprint, err error) {
	sources := map[string]string{}
	for i := range plugins {
		id := fmt.Sprintf("%s-%d", answersPlugin, i)
		if err := s.buildAnswers(ctx, id); err != nil {
			return f, err
		}
		sources[id] = s.path(id)
	}
	h, err := s.host(ctx, o, site{name: fmt.Sprintf("with-%d", plugins)}, "auto", sources)
	if err != nil {
		return f, err
	}
	defer h.stop()
	time.Sleep(calm)
	if f.heap, err = h.metric(ctx, "go_memstats_heap_inuse_bytes"); err != nil {
		return f, err
	}
	if f.goroutines, err = h.metric(ctx, "go_goroutines"); err != nil {
		return f, err
	}
	f.private, f.threads = privateOf(h.pid()), entries(h.pid(), "task")
	f.files = entries(h.pid(), "fd")
	return f, nil
}

func entries(pid int, folder string) int64 {
	all, _ := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), folder))
	return int64(len(all))
}

// metric reads one number of the host's own.
func (h *pluginHost) metric(ctx context.Context, name string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.operations+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return int64(n), err
		}
	}
	return 0, fmt.Errorf("/metrics has no %s", name)
}

// privateOf is what processes hold that no other process shares, in bytes.
func privateOf(pids ...int) (sum int64) {
	for _, pid := range pids {
		sum += rollup(pid, "Private_Clean") + rollup(pid, "Private_Dirty")
	}
	return sum
}

// held is the private memory of a process in words. What it has not written is its program, which a second process of the
// same program would share.
func held(pid int) string {
	return fmt.Sprintf("%s (written %s)", tenths(privateOf(pid)), tenths(rollup(pid, "Private_Dirty")))
}

// rollup is one line of smaps_rollup, in bytes.
func rollup(pid int, name string) int64 {
	data, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// descendants are the processes below one, such as the program below a launcher that stays.
func descendants(pid int) (below []int) {
	children, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "children"))
	for _, file := range children {
		text, _ := os.ReadFile(file)
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				below = append(append(below, child), descendants(child)...)
			}
		}
	}
	return below
}

func tenths(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }
