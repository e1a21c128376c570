package conformance_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/callboard/callboard/sdk/pluginv1"
)

var update = flag.Bool("update", false, "write the files that the test compares")

// protocol is every file of the protocol, in an order in which each stands after what it needs.
func protocol() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{
		pluginv1.File_callboard_plugin_v1_plugin_proto,
		pluginv1.File_callboard_plugin_v1_catalog_proto,
		pluginv1.File_callboard_plugin_v1_scaffolder_proto,
		pluginv1.File_callboard_plugin_v1_widgets_proto,
		pluginv1.File_callboard_plugin_v1_search_proto,
		pluginv1.File_callboard_plugin_v1_tasks_proto,
		pluginv1.File_callboard_plugin_v1_permission_proto,
		pluginv1.File_callboard_plugin_v1_events_proto,
		pluginv1.File_callboard_plugin_v1_host_proto,
	}
}

func TestExamples_CarryTheProtocolAsItIs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"../../examples/hello-python/callboard_pb.py":     pythonMessages(t),
		"../../examples/hello-node/proto/callboard.proto": joinedProto(t),
	} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			if *update {
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want {
				t.Errorf("%s is not what sdk/proto says; run: go test ./conformance -run TestExamples_CarryTheProtocol -update", name)
			}
		})
	}
}

// pythonMessages is a module with the message classes of the protocol, of gRPC's health service and of its error details.
// It keeps the descriptors in a pool of its own, so that it goes together with other generated code in the process.
func pythonMessages(t *testing.T) string {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		described := protodesc.ToFileDescriptorProto(file)
		if !slices.ContainsFunc(set.GetFile(), func(f *descriptorpb.FileDescriptorProto) bool { return f.GetName() == described.GetName() }) {
			set.File = append(set.File, described)
		}
	}
	for _, file := range append(protocol(), grpc_health_v1.File_grpc_health_v1_health_proto, statuspb.File_google_rpc_status_proto) {
		add(file)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for text := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(data)), 120) {
		lines.Write(text)
		lines.WriteByte('\n')
	}
	return fmt.Sprintf(pythonModule, lines.String())
}

const pythonModule = `"""The messages of the Callboard plugin protocol, as classes. Generated from sdk/proto; do not edit.

Works with protobuf 3.20 and later. Enum values are module constants: PROCESSOR_STAGE_PRE_PROCESS.
"""

import base64

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FILES = base64.b64decode("""
%s""")
_pool = descriptor_pool.DescriptorPool()
_class = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(_pool).GetPrototype

for _file in descriptor_pb2.FileDescriptorSet.FromString(_FILES).file:
    _pool.AddSerializedFile(_file.SerializeToString())
    _described = _pool.FindFileByName(_file.name)
    for _name, _message in _described.message_types_by_name.items():
        globals()[_name] = _class(_message)
    for _enum in _described.enum_types_by_name.values():
        globals().update((v.name, v.number) for v in _enum.values)
`

// joinedProto is the protocol as one .proto file, which a plugin of any language carries along more easily than nine.
func joinedProto(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	out.WriteString("// The Callboard plugin protocol in one file, joined from sdk/proto; do not edit.\n" +
		"syntax = \"proto3\";\n\npackage callboard.plugin.v1;\n\n" +
		"import \"google/protobuf/duration.proto\";\nimport \"google/protobuf/struct.proto\";\nimport \"google/protobuf/timestamp.proto\";\n\n")
	for _, file := range protocol() {
		data, err := os.ReadFile(filepath.Join("../proto", filepath.FromSlash(file.Path())))
		if err != nil {
			t.Fatal(err)
		}
		head := false
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "syntax ") || strings.HasPrefix(line, "package ") || strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "option ") {
				head = true
				continue
			}
			if head && strings.TrimSpace(line) == "" {
				continue
			}
			if head {
				out.WriteByte('\n')
				head = false
			}
			out.WriteString(line)
		}
	}
	return out.String()
}
