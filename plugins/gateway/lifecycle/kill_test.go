package lifecycle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/plugintest"
)

// The process that is killed is this test's program once more. Its store and its gateway are the parent's, by HTTP, as a
// plugin's are its host's: they go on when it does not.
const (
	childEnv    = "CALLBOARD_LIFECYCLE_CHILD"
	childAppEnv = "CALLBOARD_LIFECYCLE_APP"
)

// message is a call of the child and its answer. Secrets travel in it, which they do nowhere else.
type message struct {
	Method   string
	Key      string `json:",omitempty"`
	Data     []byte `json:",omitempty"`
	Version  *int64 `json:",omitempty"`
	App      driver.App
	Request  driver.KeyRequest
	KeyID    driver.KeyID
	On       bool
	Secret   string
	Keys     []string
	Listed   []driver.Key
	Can      driver.Capabilities
	Error    apierror.Name `json:",omitempty"`
	ErrorSay string        `json:",omitempty"`
}

// parent serves a child until it kills it.
type parent struct {
	*rig

	mu     sync.Mutex
	kill   func()
	steps  int
	after  bool
	told   []told
	killed bool
}

func (p *parent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		p.Errorf("the child sends %v", err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps--
	if p.killed || p.steps == 0 && !p.after {
		p.die()
		return
	}
	if err := p.serve(r.Context(), &m); err != nil {
		m.Error, m.ErrorSay = apierror.NameOf(err), err.Error()
	}
	if p.steps <= 0 {
		p.die()
		return
	}
	_ = json.NewEncoder(w).Encode(m) //nolint:gosec // its secret is what the child asks for
}

func (p *parent) die() {
	if !p.killed {
		p.killed = true
		p.kill()
	}
	panic(http.ErrAbortHandler)
}

func (p *parent) serve(ctx context.Context, m *message) error {
	switch m.Method {
	case "Told":
		p.told = append(p.told, told{m.Key, sdk.Secret(m.Secret)})
		return nil
	case "Get":
		s, err := p.kv.Get(ctx, m.Key)
		m.Data, m.Version = s.Data, &s.Version
		return err
	case "Put":
		version, err := p.kv.Put(ctx, m.Key, m.Data, sdk.PutOptions{IfVersion: m.Version})
		m.Version = &version
		return err
	case "Delete":
		return p.kv.Delete(ctx, m.Key)
	case "List":
		for key, err := range p.kv.Keys(ctx, m.Key) {
			if err != nil {
				return err
			}
			m.Keys = append(m.Keys, key)
		}
		return nil
	}
	return p.serveGateway(ctx, m)
}

func (p *parent) serveGateway(ctx context.Context, m *message) (err error) {
	switch m.Method {
	case "Capabilities":
		m.Can, err = p.gw.Capabilities(ctx)
	case "EnsureConsumer":
		err = p.gw.EnsureConsumer(ctx, m.App)
	case "IssueKey":
		var k driver.IssuedKey
		m.Request.Secret = sdk.Secret(m.Secret)
		k, err = p.gw.IssueKey(ctx, m.Request)
		m.Listed, m.Secret = []driver.Key{k.Key}, k.Secret.Reveal()
	case "RevokeKey":
		err = p.gw.RevokeKey(ctx, m.App.ID, m.KeyID)
	case "SuspendKey":
		err = p.gw.SuspendKey(ctx, m.App.ID, m.KeyID, m.On)
	case "Keys":
		for k, kerr := range p.gw.Keys(ctx, m.App.ID) {
			if kerr != nil {
				return kerr
			}
			m.Listed = append(m.Listed, k)
		}
	default:
		err = fmt.Errorf("the child calls %q", m.Method)
	}
	return err
}

// remote is the child's side.
type remote struct {
	driver.Driver // of what the child does not call

	address string
}

func (r remote) call(ctx context.Context, m message) (message, error) {
	data, err := json.Marshal(m) //nolint:gosec // the parent is where the gateway is
	if err != nil {
		return m, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.address, bytes.NewReader(data))
	if err != nil {
		return m, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return m, err
	}
	defer res.Body.Close()
	if data, err = io.ReadAll(res.Body); err != nil {
		return m, err
	}
	var answer message
	if err := json.Unmarshal(data, &answer); err != nil {
		return m, err
	}
	if answer.Error != "" {
		return answer, apierror.New(answer.Error, answer.ErrorSay)
	}
	return answer, nil
}

// Get, Put, Delete and Keys are the child's store.
type remoteKV struct{ remote }

func (r remoteKV) Get(ctx context.Context, key string) (sdk.Stored, error) {
	m, err := r.call(ctx, message{Method: "Get", Key: key})
	if err != nil {
		return sdk.Stored{}, err
	}
	return sdk.Stored{Data: m.Data, Version: *m.Version}, nil
}

func (r remoteKV) Put(ctx context.Context, key string, data []byte, options ...sdk.PutOptions) (int64, error) {
	m := message{Method: "Put", Key: key, Data: data}
	if len(options) > 0 {
		m.Version = options[0].IfVersion
	}
	m, err := r.call(ctx, m)
	if err != nil {
		return 0, err
	}
	return *m.Version, nil
}

func (r remoteKV) Delete(ctx context.Context, key string) error {
	_, err := r.call(ctx, message{Method: "Delete", Key: key})
	return err
}

func (r remoteKV) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		m, err := r.call(ctx, message{Method: "List", Key: prefix})
		if err != nil {
			yield("", err)
		}
		for _, key := range m.Keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

func (r remote) Capabilities(ctx context.Context) (driver.Capabilities, error) {
	m, err := r.call(ctx, message{Method: "Capabilities"})
	return m.Can, err
}

func (r remote) EnsureConsumer(ctx context.Context, a driver.App) error {
	_, err := r.call(ctx, message{Method: "EnsureConsumer", App: a})
	return err
}

func (r remote) IssueKey(ctx context.Context, k driver.KeyRequest) (driver.IssuedKey, error) {
	m, err := r.call(ctx, message{Method: "IssueKey", Request: k, Secret: k.Secret.Reveal()})
	if err != nil {
		return driver.IssuedKey{}, err
	}
	return driver.IssuedKey{Key: m.Listed[0], Secret: sdk.Secret(m.Secret)}, nil
}

func (r remote) RevokeKey(ctx context.Context, app driver.AppID, key driver.KeyID) error {
	_, err := r.call(ctx, message{Method: "RevokeKey", App: driver.App{ID: app}, KeyID: key})
	return err
}

func (r remote) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	return func(yield func(driver.Key, error) bool) {
		m, err := r.call(ctx, message{Method: "Keys", App: driver.App{ID: app}})
		if err != nil {
			yield(driver.Key{}, err)
		}
		for _, k := range m.Listed {
			if !yield(k, nil) {
				return
			}
		}
	}
}

// child issues, rotates and revokes keys of one application until it is killed.
func child() int {
	r := remote{address: os.Getenv(childEnv)}
	e := lifecycle.New(lifecycle.Options{
		KV: remoteKV{r}, Gate: &gate{}, Rules: lifecycle.Rules{Grace: time.Hour, TTL: 24 * time.Hour},
		Driver: func(string) (driver.Driver, error) { return r, nil },
	})
	ctx := context.Background()
	tell := func(k lifecycle.Issued, err error) string {
		if err == nil {
			_, err = r.call(ctx, message{Method: "Told", Key: k.Credential.ID, Secret: k.Secret.Reveal()})
		}
		if err == nil {
			_, err = e.Told(ctx, k.Credential.ID)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(3) // it was not killed in time
		}
		return k.Credential.ID
	}
	for {
		first := tell(e.Issue(ctx, lifecycle.KeyRequest{App: driver.AppID(os.Getenv(childAppEnv)), Gateway: "edge", API: "orders", By: ann}))
		second := tell(e.Rotate(ctx, lifecycle.Rotation{Credential: first, By: ann}))
		third := tell(e.Rotate(ctx, lifecycle.Rotation{Credential: second, By: ann, Grace: new(time.Duration)}))
		for _, id := range []string{first, third} {
			if _, err := e.Revoke(ctx, id, lifecycle.Ending{By: ann}); err != nil {
				fmt.Fprintln(os.Stderr, "child:", err)
				return 3
			}
		}
	}
}

func TestKill_LosesAndDoublesNoKey(t *testing.T) {
	cycles := 20
	if os.Getenv("CALLBOARD_CHAOS") == "full" {
		cycles = 200
	}
	began := time.Now()
	secrets := 0
	for n := range cycles {
		secrets += killOnce(t, n)
		if t.Failed() {
			t.Fatalf("in cycle %d", n)
		}
	}
	t.Logf("%d processes were killed in %s; %d secrets had been told", cycles, time.Since(began).Round(time.Millisecond), secrets)
}

// killOnce runs a child, kills it at one of its calls, recovers, and checks the law.
func killOnce(t *testing.T, seed int) int {
	t.Helper()
	c := plugintest.NewClock(epoch)
	c.Advance(time.Since(epoch)) // the child has the time of day
	m := drivertest.NewMemory(drivertest.MemoryOptions{Name: "edge", Now: c.Now})
	p := &parent{rig: startWith(t, c, m, m)}
	a := p.app()
	chance := rand.New(rand.NewPCG(uint64(seed), 7))
	p.steps, p.after = 1+chance.IntN(75), chance.IntN(2) == 0
	server := httptest.NewServer(p)
	defer server.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+server.URL, childAppEnv+"="+string(a.ID))
	cmd.Stderr = os.Stderr
	p.kill = func() { _ = cmd.Process.Kill() }
	p.mu.Lock() // no call is served, and so nobody killed, before it has started
	err := cmd.Start()
	p.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child was not killed: %v", cmd.ProcessState)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calm()
	p.consistent()
	p.checkTold()
	return len(p.told)
}

// checkTold checks that each secret that was told is of one credential, which says the truth about it.
func (p *parent) checkTold() {
	p.Helper()
	seen := map[sdk.Secret]bool{}
	for _, s := range p.told {
		c := p.credential(s.id)
		if seen[s.secret] || !c.Matches(s.secret) {
			p.Errorf("the secret of credential %s was told twice, or is another's", s.id)
		}
		seen[s.secret] = true
		if accepted := p.presents(s.secret) == http.StatusOK; accepted != (c.State == lifecycle.Active || c.State == lifecycle.Retiring) {
			p.Errorf("credential %s is %s (%s), and its secret accepted: %t", c.ID, c.State, c.Reason, accepted)
		}
	}
	p.tellsNoSecret(func() (all []sdk.Secret) {
		for s := range seen {
			all = append(all, s)
		}
		return all
	}()...)
}

func driverRequest(c drivertest.Call) driver.KeyRequest {
	return driver.KeyRequest{App: c.App, API: "orders", Operation: c.Operation, Secret: "carried out late by the gateway"}
}
