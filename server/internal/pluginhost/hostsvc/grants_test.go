package hostsvc_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// methods are all of the protocol's host services.
func methods() map[string]protoreflect.MethodDescriptor {
	all := map[string]protoreflect.MethodDescriptor{}
	services := pluginv1.File_callboard_plugin_v1_host_proto.Services()
	for i := range services.Len() {
		for j := range services.Get(i).Methods().Len() {
			m := services.Get(i).Methods().Get(j)
			all["/"+string(services.Get(i).FullName())+"/"+string(m.Name())] = m
		}
	}
	return all
}

// call calls any method and reads a stream to its end.
func call(t *testing.T, s served, method string, m protoreflect.MethodDescriptor, request proto.Message) error {
	t.Helper()
	if request == nil {
		request = dynamicpb.NewMessage(m.Input())
	}
	response := dynamicpb.NewMessage(m.Output())
	if !m.IsStreamingServer() {
		return s.Invoke(called(t), method, request, response)
	}
	stream, err := s.NewStream(called(t), &grpc.StreamDesc{ServerStreams: true}, method)
	if err == nil {
		err = errors.Join(stream.SendMsg(request), stream.CloseSend())
	}
	for err == nil {
		err = stream.RecvMsg(response)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func TestEveryMethodOfTheProtocol_HasAGrant(t *testing.T) {
	granted := hostsvc.Granted()
	for method := range methods() {
		if !granted[method] {
			t.Errorf("%s has no grant", method)
		}
		delete(granted, method)
	}
	for method := range granted {
		t.Errorf("%s is no method of the protocol", method)
	}
}

func TestMethodWithoutItsNeed_IsRefusedAndAudited(t *testing.T) {
	const service = "/callboard.plugin.v1.Host"
	askOther := &pluginv1.GetPluginTokenRequest{TargetPlugin: "scaffolder"}
	onBehalf := &pluginv1.GetPluginTokenRequest{TargetPlugin: "catalog", OnBehalfOf: "user"}
	for _, c := range []struct {
		method, need string
		without      func(n *manifest.Needs)
		request      proto.Message
	}{
		{"AuthService/GetPluginToken", "plugins: [catalog]", func(n *manifest.Needs) { n.Plugins = nil }, onBehalf},
		{"AuthService/GetPluginToken", "plugins: [scaffolder]", func(*manifest.Needs) {}, askOther},
		{"AuthService/GetPluginToken", "onBehalfOf: true", func(n *manifest.Needs) { n.OnBehalfOf = false }, onBehalf},
		{"CatalogService/GetEntity", "catalog: [read]", func(n *manifest.Needs) { n.Catalog = []string{"refresh"} }, nil},
		{"CatalogService/QueryEntities", "catalog: [read]", func(n *manifest.Needs) { n.Catalog = []string{"write-own"} }, nil},
		{"CatalogService/RefreshEntity", "catalog: [refresh]", func(n *manifest.Needs) { n.Catalog = []string{"read"} }, nil},
		{"CatalogService/TriggerProvider", "catalog: [write-own]", func(n *manifest.Needs) { n.Catalog = []string{"read"} }, nil},
		{"KeyValueService/GetValue", "storage: {kv: 10MiB}", func(n *manifest.Needs) { n.Storage.KV = 0 }, nil},
		{"KeyValueService/PutValue", "storage: {kv: 10MiB}", func(n *manifest.Needs) { n.Storage.KV = 0 }, nil},
		{"KeyValueService/DeleteValue", "storage: {kv: 10MiB}", func(n *manifest.Needs) { n.Storage.KV = 0 }, nil},
		{"KeyValueService/ListKeys", "storage: {kv: 10MiB}", func(n *manifest.Needs) { n.Storage.KV = 0 }, nil},
		{"SecretsService/GetSecret", "secrets: [token]", func(n *manifest.Needs) { n.Secrets = nil }, &pluginv1.GetSecretRequest{Name: "token"}},
		{"SecretsService/GetSecret", `secrets: ["a\nb"]`, func(*manifest.Needs) {}, &pluginv1.GetSecretRequest{Name: "a\nb"}},
		{"EventsService/PublishEvent", "events: {publish: [audits]}", func(*manifest.Needs) {}, &pluginv1.PublishEventRequest{Event: &pluginv1.Event{Topic: "audits"}}},
		{"WorkspaceService/ListFiles", "scaffolder: [workspace]", func(n *manifest.Needs) { n.Scaffolder = nil }, nil},
		{"WorkspaceService/ReadFile", "scaffolder: [workspace]", func(n *manifest.Needs) { n.Scaffolder = nil }, nil},
		{"WorkspaceService/WriteFile", "scaffolder: [workspace]", func(n *manifest.Needs) { n.Scaffolder = nil }, nil},
		{"WorkspaceService/RemoveFile", "scaffolder: [workspace]", func(n *manifest.Needs) { n.Scaffolder = nil }, nil},
		{"PermissionService/Authorize", "permission: true", func(n *manifest.Needs) { n.Permission = false }, nil},
	} {
		t.Run(c.method+" "+c.need, func(t *testing.T) {
			needs := everything()
			c.without(&needs)
			store := newStore(t)
			backend := (&fake{}).backend()
			backend.KV, backend.Audit = store, store
			s := serve(t, hostsvc.Options{Needs: needs, Backend: backend})
			m := methods()[service+c.method]
			text := refused(t, call(t, s, service+c.method, m, c.request), apierror.NotAllowed)
			if !strings.Contains(text, "plugin hello") || !strings.Contains(text, "Host"+c.method) || !strings.Contains(text, "plugin.yaml") {
				t.Errorf("the refusal names not plugin, method and file: %s", text)
			}
			records, err := store.Audited(t.Context(), "hello", 10)
			if err != nil || len(records) != 1 {
				t.Fatalf("%d audit records, %v", len(records), err)
			}
			r := records[0]
			if r.Event != hostsvc.EventDenied || !r.Failed || r.Meta["need"] != c.need || r.Meta["method"] != "Host"+c.method {
				t.Errorf("audit record %+v", r)
			}
			if log := s.log.String(); !strings.Contains(log, `"level":"WARN"`) || !strings.Contains(log, `"plugin":"hello"`) || !strings.Contains(log, `"need":`) {
				t.Errorf("log %s", log)
			}
		})
	}
}

func TestMethodsThatNeedNothing_AreNotRefused(t *testing.T) {
	f := &fake{}
	backend := f.backend()
	backend.Locks = newStore(t)
	s := serve(t, hostsvc.Options{Backend: backend})
	for method, m := range methods() {
		err := rpcerror.Decode(call(t, s, method, m, nil))
		gated := map[string]bool{"GetPluginToken": true, "GetSecret": true, "PublishEvent": true, "Authorize": true}[string(m.Name())] ||
			strings.Contains(method, "KeyValue") || strings.Contains(method, "Catalog") || strings.Contains(method, "Workspace")
		if got := apierror.Has(err, apierror.NotAllowed); got != gated {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestServiceThatTheHostDoesNotOffer_SaysSo(t *testing.T) {
	s := serve(t, hostsvc.Options{Needs: everything()})
	for method, m := range methods() {
		if strings.HasSuffix(method, "WriteLogs") { // needs nothing behind it
			continue
		}
		var request proto.Message
		switch m.Name() {
		case "GetPluginToken":
			request = &pluginv1.GetPluginTokenRequest{TargetPlugin: "catalog"}
		case "GetSecret":
			request = &pluginv1.GetSecretRequest{Name: "token"}
		case "PublishEvent":
			request = &pluginv1.PublishEventRequest{Event: &pluginv1.Event{Topic: "releases"}}
		}
		refused(t, call(t, s, method, m, request), apierror.NotImplemented)
	}
}
