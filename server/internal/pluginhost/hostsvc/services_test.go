package hostsvc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/clocktest"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

func nopLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestIdentity_IsPassedOn(t *testing.T) {
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: (&fake{}).backend()})
	client := pluginv1.NewHostAuthServiceClient(s)
	r, err := client.GetPluginToken(called(t), &pluginv1.GetPluginTokenRequest{TargetPlugin: "catalog", OnBehalfOf: "ann"})
	if err != nil || r.GetToken() != "hello>catalog ann" || r.GetExpiresAt().AsTime().Unix() != 1000 {
		t.Errorf("token %v, %v", r, err)
	}
	v, err := client.VerifyToken(called(t), &pluginv1.VerifyTokenRequest{Token: "user:default/ann"})
	if err != nil || v.GetPrincipal().GetSubject() != "user:default/ann" || v.GetPrincipal().GetActor() != "plugin:hello" {
		t.Errorf("principal %v, %v", v, err)
	}
	_, err = client.VerifyToken(called(t), &pluginv1.VerifyTokenRequest{Token: "bad"})
	refused(t, err, apierror.Authentication)
}

func TestEntities_ComeInBatchesBelow256KiB(t *testing.T) {
	large := []byte(`{"x":"` + strings.Repeat("y", 700<<10) + `"}`)
	f := &fake{entities: func() iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for i := range 2000 {
				if !yield(fmt.Appendf(nil, `{"n":%d,"text":"%s"}`, i, strings.Repeat("z", 500)), nil) {
					return
				}
			}
			yield(large, nil)
		}
	}}
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: f.backend()})
	stream, err := pluginv1.NewHostCatalogServiceClient(s).QueryEntities(called(t), &pluginv1.QueryEntitiesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	count, batches := 0, 0
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		batches++
		if size := proto.Size(m); size > 256<<10 && len(m.GetEntities()) > 1 {
			t.Errorf("a batch of %d bytes", size)
		}
		for _, e := range m.GetEntities() {
			if count < 2000 && !bytes.HasPrefix(e.GetJson(), fmt.Appendf(nil, `{"n":%d,`, count)) {
				t.Fatalf("entity %d is %.40s", count, e.GetJson())
			}
			count++
		}
	}
	if count != 2001 || batches < 5 {
		t.Errorf("%d entities in %d batches", count, batches)
	}
}

func TestKeysAndValues_AreEachPluginsOwn(t *testing.T) {
	store := newStore(t)
	backend := (&fake{}).backend()
	backend.KV = store
	of := func(id manifest.ID) pluginv1.HostKeyValueServiceClient {
		return pluginv1.NewHostKeyValueServiceClient(serve(t, hostsvc.Options{Plugin: id, Needs: everything(), Backend: backend}))
	}
	mine, other := of("hello"), of("hello-other")
	if _, err := mine.PutValue(called(t), &pluginv1.PutValueRequest{Key: "k", Value: []byte("mine")}); err != nil {
		t.Fatal(err)
	}
	_, err := other.GetValue(called(t), &pluginv1.GetValueRequest{Key: "k"})
	refused(t, err, apierror.NotFound)
	if keys := listKeys(t, other, ""); len(keys) != 0 {
		t.Errorf("the other plugin sees %v", keys)
	}
	if _, err := other.DeleteValue(called(t), &pluginv1.DeleteValueRequest{Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if v, err := mine.GetValue(called(t), &pluginv1.GetValueRequest{Key: "k"}); err != nil || string(v.GetValue()) != "mine" {
		t.Errorf("got %v, %v", v, err)
	}
	cache, otherCache := hostsvc.NewCache(nil), manifest.ID("hello-other")
	cache.Put("hello", "k", []byte("mine"), 0)
	if _, found := cache.Get(otherCache, "k"); found {
		t.Error("the other plugin sees what is cached")
	}
}

func listKeys(t *testing.T, client pluginv1.HostKeyValueServiceClient, prefix string) (keys []string) {
	t.Helper()
	stream, err := client.ListKeys(called(t), &pluginv1.ListKeysRequest{Prefix: prefix})
	for err == nil {
		var m *pluginv1.ListKeysResponse
		if m, err = stream.Recv(); err == nil {
			keys = append(keys, m.GetKeys()...)
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return keys
}

func TestValues_AreHeldToTheirLimits(t *testing.T) {
	backend := (&fake{}).backend()
	backend.KV = newStore(t)
	client := pluginv1.NewHostKeyValueServiceClient(serve(t, hostsvc.Options{Needs: everything(), Backend: backend}))
	version := int64(-1)
	for want, r := range map[string]*pluginv1.PutValueRequest{
		"1 to 512 bytes":     {Key: strings.Repeat("k", 513)},
		"control characters": {Key: "a\x00b"},
		"262144 are kept":    {Key: "k", Value: make([]byte, 256<<10)},
		"ttl must be":        {Key: "k", Ttl: durationpb.New(-time.Second)},
		"if_version must be": {Key: "k", IfVersion: &version},
	} {
		_, err := client.PutValue(called(t), r)
		if text := refused(t, err, apierror.Input); !strings.Contains(text, want) {
			t.Errorf("got %q, want %q", text, want)
		}
	}
	for i := range 4 {
		_, err := client.PutValue(called(t), &pluginv1.PutValueRequest{Key: fmt.Sprint(i), Value: make([]byte, 250<<10)})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.PutValue(called(t), &pluginv1.PutValueRequest{Key: "more", Value: make([]byte, 250<<10)})
	if text := refused(t, err, apierror.NotAllowed); !strings.Contains(text, "needs.storage.kv") || !strings.Contains(text, "plugin hello") {
		t.Errorf("got %q", text)
	}
}

func TestEvents_AreCheckedAndPassedOn(t *testing.T) {
	f := &fake{}
	client := pluginv1.NewHostEventsServiceClient(serve(t, hostsvc.Options{Needs: everything(), Backend: f.backend()}))
	good := &pluginv1.Event{Topic: "releases", PayloadJson: []byte(`{"v":1}`), Metadata: map[string]string{"a": "b"}}
	if _, err := client.PublishEvent(called(t), &pluginv1.PublishEventRequest{Event: good}); err != nil || len(f.published) != 1 {
		t.Fatalf("published %v, %v", f.published, err)
	}
	for want, payload := range map[string]string{"not valid JSON": "{", "too large": `"` + strings.Repeat("x", 256<<10) + `"`} {
		_, err := client.PublishEvent(called(t), &pluginv1.PublishEventRequest{Event: &pluginv1.Event{Topic: "releases", PayloadJson: []byte(payload)}})
		if text := refused(t, err, apierror.Input); !strings.Contains(text, want) {
			t.Errorf("got %q, want %q", text, want)
		}
	}
}

func TestPermission_AnswersEachItemAndDeniesWhatIsMissing(t *testing.T) {
	client := pluginv1.NewHostPermissionServiceClient(serve(t, hostsvc.Options{Needs: everything(), Backend: (&fake{}).backend()}))
	r, err := client.Authorize(called(t), &pluginv1.AuthorizeRequest{Items: []*pluginv1.AuthorizeItem{
		{Permission: "a.read", Action: "read"}, {Permission: "a.delete", Action: "delete"}}})
	if err != nil || len(r.GetDecisions()) != 2 || r.GetDecisions()[0] != pluginv1.AuthorizeResponse_DECISION_ALLOW || r.GetDecisions()[1] != pluginv1.AuthorizeResponse_DECISION_DENY {
		t.Errorf("decisions %v, %v", r, err)
	}
	_, err = client.Authorize(called(t), &pluginv1.AuthorizeRequest{Items: []*pluginv1.AuthorizeItem{{Permission: "catalog.entity.read", ResourceType: "catalog-entity"}}})
	refused(t, err, apierror.Input)
}

func TestSchedulerAndDiscovery_Answer(t *testing.T) {
	s := serve(t, hostsvc.Options{Backend: (&fake{}).backend()})
	states, err := pluginv1.NewHostSchedulerServiceClient(s).ListTaskStates(called(t), &pluginv1.ListTaskStatesRequest{})
	if err != nil || len(states.GetTasks()) != 1 || !states.GetTasks()[0].GetRunning() || states.GetTasks()[0].GetLastEndedAt() != nil {
		t.Errorf("states %v, %v", states, err)
	}
	_, err = pluginv1.NewHostDiscoveryServiceClient(s).GetBaseUrl(called(t), &pluginv1.GetBaseUrlRequest{Plugin: "../auth"})
	refused(t, err, apierror.Input)
}

// TestSecret_IsNeverInLogsAuditRecordsOrErrors sends a secret wherever a plugin can send text.
func TestSecret_IsNeverInLogsAuditRecordsOrErrors(t *testing.T) {
	const canary, known = "canary-4711-secret", "known-to-the-host"
	store := newStore(t)
	f := &fake{secret: canary}
	backend := f.backend()
	backend.Audit, backend.KV, backend.Locks = store, store, store
	s := serve(t, hostsvc.Options{Needs: everything(), Backend: backend,
		Redact: func(text string) string { return strings.ReplaceAll(text, known, "***") }})
	r, err := pluginv1.NewHostSecretsServiceClient(s).GetSecret(called(t), &pluginv1.GetSecretRequest{Name: "token"})
	if err != nil || r.GetValue() != canary {
		t.Fatalf("got %v, %v", r, err)
	}
	meta, err := structpb.NewStruct(map[string]any{"note": "with " + canary, canary: []any{map[string]any{"deep": known + canary}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pluginv1.NewHostAuditServiceClient(s).WriteAudit(called(t), &pluginv1.WriteAuditRequest{Event: "release.create", Actor: "user:default/" + canary, Meta: meta}); err != nil {
		t.Fatal(err)
	}
	if _, err := pluginv1.NewHostLogServiceClient(s).WriteLogs(called(t), &pluginv1.WriteLogsRequest{Records: []*pluginv1.LogRecord{
		{Level: "error", Message: "token is " + canary + " and " + known, Fields: meta}}}); err != nil {
		t.Fatal(err)
	}
	var texts []string
	note := func(_ any, err error) { texts = append(texts, fmt.Sprint(rpcerror.Decode(err))) }
	kv := pluginv1.NewHostKeyValueServiceClient(s)
	note(kv.PutValue(called(t), &pluginv1.PutValueRequest{Key: "k", Value: []byte(canary)}))
	note(kv.PutValue(called(t), &pluginv1.PutValueRequest{Key: "k", Value: append([]byte(canary), make([]byte, 1<<18)...)}))
	note(pluginv1.NewHostEventsServiceClient(s).PublishEvent(called(t), &pluginv1.PublishEventRequest{Event: &pluginv1.Event{Topic: "releases", PayloadJson: []byte(canary)}}))
	note(pluginv1.NewHostAuthServiceClient(s).VerifyToken(called(t), &pluginv1.VerifyTokenRequest{Token: "bad"}))
	records, err := store.Audited(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	audit, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"log": s.log.String(), "audit": string(audit), "errors": strings.Join(texts, "\n")} {
		for _, secret := range []string{canary, known, token} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in the %s: %s", secret, where, text)
			}
		}
	}
	if !strings.Contains(string(audit), "with [secret]") || !strings.Contains(s.log.String(), "token is [secret]") {
		t.Errorf("the records themselves are missing: %s\n%s", audit, s.log)
	}
}

func TestAudit_TakesNoRecordsInTheHostsName(t *testing.T) {
	store := newStore(t)
	backend := hostsvc.Backend{Audit: store}
	client := pluginv1.NewHostAuditServiceClient(serve(t, hostsvc.Options{Backend: backend}))
	for want, r := range map[string]*pluginv1.WriteAuditRequest{
		"not begin with": {Event: hostsvc.EventDenied},
		"1 to 100":       {Event: "a b"},
		"one of low":     {Event: "a", Severity: "huge"},
		"control":        {Event: "a", Actor: "a\nb"},
	} {
		_, err := client.WriteAudit(called(t), r)
		if text := refused(t, err, apierror.Input); !strings.Contains(text, want) {
			t.Errorf("got %q, want %q", text, want)
		}
	}
	if records, err := store.Audited(t.Context(), "", 10); err != nil || len(records) != 0 {
		t.Errorf("records %v, %v", records, err)
	}
}

func TestLogRecords_AreTheHostsLinesWithFieldsBelowOneName(t *testing.T) {
	s := serve(t, hostsvc.Options{})
	fields, err := structpb.NewStruct(map[string]any{"plugin": "catalog", "n": 1})
	if err != nil {
		t.Fatal(err)
	}
	records := []*pluginv1.LogRecord{{Level: "WARN", Message: "careful\n{\"level\":\"ERROR\"}", Fields: fields}, {Level: "?", Message: strings.Repeat("x", 9000)}}
	if _, err := pluginv1.NewHostLogServiceClient(s).WriteLogs(called(t), &pluginv1.WriteLogsRequest{Records: records}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if len(lines) != 2 || len(lines[1]) > 8500 {
		t.Fatalf("%d lines", len(lines))
	}
	var line struct {
		Level, Plugin string
		Fields        map[string]any
	}
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || line.Level != "WARN" || line.Plugin != "hello" || line.Fields["plugin"] != "catalog" {
		t.Errorf("line %s: %+v, %v", lines[0], line, err)
	}
}

func TestLogRecordsBeyondTheRate_AreLeftOutAndCounted(t *testing.T) {
	s := serve(t, hostsvc.Options{Now: clocktest.At(epoch).Now})
	records := make([]*pluginv1.LogRecord, 1000)
	for i := range records {
		records[i] = &pluginv1.LogRecord{Message: "x"}
	}
	for range 6 {
		if _, err := pluginv1.NewHostLogServiceClient(s).WriteLogs(called(t), &pluginv1.WriteLogsRequest{Records: records}); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(s.log.String(), `"msg":"x"`); n != 2000 {
		t.Errorf("%d records of 6000 were written", n)
	}
	if n := strings.Count(s.log.String(), "were left out"); n != 4 {
		t.Errorf("it is said %d times in 4 calls", n)
	}
}

func FuzzKey(f *testing.F) {
	for _, key := range []string{"", "a", "\x00", "é", "\xff", strings.Repeat("k", 513), "a/b:c d", "\u2028", "\u0085"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if err := hostsvc.CheckKey(key); err != nil {
			if !apierror.Has(err, apierror.Input) || strings.Contains(err.Error(), "\x00") {
				t.Errorf("%q: %v", key, err)
			}
			return
		}
		if len(key) == 0 || len(key) > 512 || strings.ToValidUTF8(key, "") != key || strings.ContainsAny(key, "\x00\n\r\t\x7f") {
			t.Errorf("%q passed", key)
		}
	})
}

func BenchmarkGetCached(b *testing.B) {
	c := clocktest.At(epoch)
	s := serve(b, hostsvc.Options{Backend: (&fake{}).backend(), Logger: nopLogger(), Now: c.Now})
	client := pluginv1.NewHostCacheServiceClient(s)
	ctx := called(b)
	for b.Loop() {
		c.Advance(time.Millisecond) // the rate is not what is measured
		if _, err := client.GetCached(ctx, &pluginv1.GetCachedRequest{Key: "k"}); err != nil {
			b.Fatal(err)
		}
	}
}
