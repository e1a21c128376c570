package templating

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

func newEngine(t testing.TB, o Options) *Engine {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second // slow machines with the race detector on them are not what most tests are about
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestX(t *testing.T) {
	e := newEngine(t, Options{VMs: 1})
	s := Scope{Variables: json.RawMessage(`{"parameters":{"n":5,"repo":"github.com?owner=o&repo=r"}}`), Secrets: json.RawMessage(`{"secrets":{"A":"hush"}}`)}
	for range 3 {
		begin := time.Now()
		r, err := e.Value(context.Background(), json.RawMessage(`{"a":"${{ parameters.n }}","b":"x${{ secrets.A }}y","c":"${{ parameters.z }}","d":["${{ parameters.repo | parseRepoUrl }}"]}`), s)
		t.Logf("%s %s %q %v %v %v", r.Value, r.Plain, r.Tainted, r.StatusRead, err, time.Since(begin))
	}
	v, err := e.Validate(context.Background(), json.RawMessage(`{"required":["a"],"properties":{"b":{"type":"string"}}}`), json.RawMessage(`{"b":4}`), "secrets")
	data, _ := json.Marshal(v)
	t.Logf("%s %v", data, err)
}
