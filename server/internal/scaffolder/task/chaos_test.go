package task

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

const (
	chaosKey   = "the key of hosts that are killed"
	chaosLease = 600 * time.Millisecond
	chaosSteps = 6
	// chaosOpen is how many tasks wait or run at any time.
	chaosOpen = 6
)

// chaosCycles is how often a host is killed: a few times, or many with CALLBOARD_CHAOS=full.
func chaosCycles(few, many int) int {
	if os.Getenv("CALLBOARD_CHAOS") == "full" {
		return many
	}
	return few
}

func TestHostsThatAreKilledInTheMiddleOfSteps_OnSQLite(t *testing.T) {
	dir := t.TempDir()
	database := map[string]any{"client": "better-sqlite3", "connection": filepath.Join(dir, "tasks.sqlite")}
	runChaos(t, dir, database, 1, chaosCycles(6, 500))
}

func TestHostsThatAreKilledInTheMiddleOfSteps_OnPostgreSQL(t *testing.T) {
	runChaos(t, t.TempDir(), storetest.PostgreSQLConfig(t), 2, chaosCycles(3, 150))
}

// chaos kills hosts while they run tasks, and holds what is left to the engine's promises.
type chaos struct {
	t       *testing.T
	options victimOptions
	engine  *Engine // runs nothing; it makes tasks and follows them
	ids     []string

	followers sync.WaitGroup
	mu        sync.Mutex
	seen      map[string][]Event // what followers were told while hosts died
}

func runChaos(t *testing.T, dir string, database map[string]any, hosts, cycles int) {
	db, err := store.Open(context.Background(), config.FromValue(map[string]any{"db": database}).Section("db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sealer, err := secret.NewSealer([]byte(chaosKey))
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := OpenStore(context.Background(), db, sealer)
	if err != nil {
		t.Fatal(err)
	}
	c := &chaos{t: t, options: victimOptions{Database: database, Ledger: filepath.Join(dir, "ledger"), Dir: filepath.Join(dir, "work"), Lease: chaosLease},
		seen: map[string][]Event{}}
	c.engine = New(Options{Store: tasks, WorkingDirectory: c.options.Dir})
	c.kill(hosts, cycles)
	c.check(cycles)
}

// kill starts hosts, and kills one after the other at some moment of its work. At the end one is left alone.
func (c *chaos) kill(hosts, cycles int) {
	running := make([]*exec.Cmd, hosts)
	for i := range running {
		running[i] = c.start()
	}
	for cycle := range cycles {
		c.refill()
		time.Sleep(rand.N(150 * time.Millisecond)) // the moment is what the test varies, nothing waits for it
		i := cycle % hosts
		c.end(running[i])
		running[i] = c.start()
	}
	for _, id := range c.ids {
		ended(c.t, c.engine, id)
	}
	c.followers.Wait()
	for _, host := range running {
		c.end(host)
	}
}

func (c *chaos) start() *exec.Cmd {
	c.t.Helper()
	options, err := json.Marshal(c.options)
	if err != nil {
		c.t.Fatal(err)
	}
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), victimEnv+"="+string(options))
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err == nil {
		err = host.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		_ = host.Process.Kill()
		c.t.Fatalf("a host does not start: %q, %v", line, err)
	}
	return host
}

func (c *chaos) end(host *exec.Cmd) {
	if err := host.Process.Kill(); err != nil {
		c.t.Fatal("a host had ended by itself: ", err)
	}
	_ = host.Wait() // it was killed, says the error
}

// refill makes tasks until there are as many as hosts should have, and follows each.
func (c *chaos) refill() {
	c.t.Helper()
	_, open, err := c.engine.List(context.Background(), Filter{Status: []Status{Open, Processing}, Limit: new(int)})
	if err != nil {
		c.t.Fatal(err)
	}
	var steps, after []string
	for i := range chaosSteps {
		input, _ := json.Marshal(map[string]any{"after": after})
		id := fmt.Sprintf("s%d", i)
		steps = append(steps, fmt.Sprintf(`{"id":"%s","name":"%s","action":"%s","input":%s}`, id, id, [...]string{"once", "again"}[i%2], input))
		after = append(after, id)
	}
	for ; open < chaosOpen; open++ {
		made := create(c.t, c.engine, `{"apiVersion":"scaffolder.backstage.io/v1beta3","steps":[`+strings.Join(steps, ",")+`],"output":{},"parameters":{}}`)
		c.ids = append(c.ids, made.ID)
		c.followers.Go(func() { c.follow(made.ID) })
	}
}

func (c *chaos) follow(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for events, err := range c.engine.Follow(ctx, id, 0) {
		if err != nil {
			c.t.Error(err)
			return
		}
		c.mu.Lock()
		c.seen[id] = append(c.seen[id], events...)
		c.mu.Unlock()
		if events[len(events)-1].Last() {
			return
		}
	}
}

// check holds tasks, events and ledger against each other.
func (c *chaos) check(cycles int) {
	deeds := c.readLedger()
	var completed, parked, takeovers, events, repeated int
	for _, id := range c.ids {
		t := ended(c.t, c.engine, id)
		log := eventsOf(c.t, c.engine, id)
		c.checkEvents(id, log)
		events += len(log)
		for _, e := range log {
			if e.Type == EventRecovered {
				takeovers++
			}
		}
		last := string(log[len(log)-1].Body)
		switch {
		case t.Status == Completed:
			completed++
		case strings.Contains(last, "was interrupted while it ran once"):
			parked++
		default:
			c.t.Errorf("task %s is %s: %s", id, t.Status, last)
		}
		for i := range chaosSteps {
			n := deeds[id+fmt.Sprintf(" s%d ", i)+[...]string{"once", "again"}[i%2]]
			switch {
			case i%2 == 0 && n > 1:
				c.t.Errorf("task %s: step s%d must not run twice, and ran %d times", id, i, n)
			case n == 0 && t.Status == Completed:
				c.t.Errorf("task %s is completed, and step s%d did nothing", id, i)
			case n > 1:
				repeated += n - 1
			}
		}
	}
	c.engine.tidy(context.Background())
	if left, err := os.ReadDir(c.options.Dir); err != nil || len(left) > 0 {
		c.t.Errorf("files of tasks are left: %v, %v", left, err)
	}
	c.t.Logf("%d hosts killed; %d tasks ended: %d completed, %d parked; %d takeovers; repeatable steps run again %d times; %d events, gap-free; %d deeds",
		cycles, len(c.ids), completed, parked, takeovers, repeated, events, len(deeds))
}

// checkEvents wants numbers without a gap, one end, and what followers saw.
func (c *chaos) checkEvents(id string, log []Event) {
	c.t.Helper()
	for i, e := range log {
		if e.ID != int64(i+1) {
			c.t.Errorf("task %s: event %d has the number %d", id, i+1, e.ID)
		}
		if (e.Type == EventCompletion) != (i == len(log)-1) {
			c.t.Errorf("task %s: event %d of %d is a %s", id, i+1, len(log), e.Type)
		}
	}
	seen := c.seen[id]
	if len(seen) != len(log) {
		c.t.Errorf("task %s: followers saw %d events of %d", id, len(seen), len(log))
		return
	}
	for i := range seen {
		if string(seen[i].Body) != string(log[i].Body) || seen[i].ID != log[i].ID {
			c.t.Errorf("task %s: event %d was %s when it was seen, and is %s", id, i+1, seen[i].Body, log[i].Body)
		}
	}
}

// readLedger counts the lines.
func (c *chaos) readLedger() map[string]int {
	c.t.Helper()
	text, err := os.ReadFile(c.options.Ledger)
	if err != nil {
		c.t.Fatal(err)
	}
	deeds := map[string]int{}
	for line := range strings.Lines(string(text)) {
		deeds[strings.TrimSuffix(line, "\n")]++
	}
	return deeds
}
