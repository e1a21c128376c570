"""Starts the plugin as the host does and talks to it over its sockets: python3 -m unittest"""

import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from concurrent import futures

import grpc

import callboard
import callboard_pb as pb

HERE = pathlib.Path(__file__).parent


class Started:
    """One process of the plugin, with the environment that the host gives it, and a listener in the host's place."""

    def __init__(self):
        self.runtime = tempfile.mkdtemp(prefix="cb")
        self.host = socket.socket(socket.AF_UNIX)
        self.host.bind(self.runtime + "/host.sock")
        self.host.listen()
        env = {"PATH": "/usr/bin:/bin", "HOME": self.runtime, "TMPDIR": self.runtime, "LANG": "C.UTF-8", "CALLBOARD_PLUGIN": "callboard-plugin-v1",
               "CALLBOARD_RUNTIME_DIR": self.runtime, "CALLBOARD_DATA_DIR": self.runtime, "CALLBOARD_PLUGIN_ID": "hello-python", "PLUGIN_PROTOCOL_VERSIONS": "1"}
        self.stderr = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([sys.executable, "-B", "plugin.py"], cwd=HERE, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.stderr, text=True)
        self.first_line = self.process.stdout.readline().strip()
        self.channel = grpc.insecure_channel(f"unix:{self.runtime}/rpc.sock")

    def call(self, service, method, request, answer=None):
        call = self.channel.unary_unary(f"/{service}/{method}", request_serializer=lambda m: m.SerializeToString(),
                                        response_deserializer=(answer or getattr(pb, method + "Response")).FromString)
        return call(request, timeout=10)

    def stream(self, service, method, request):
        call = self.channel.unary_stream(f"/callboard.plugin.v1.{service}/{method}", request_serializer=lambda m: m.SerializeToString(),
                                         response_deserializer=getattr(pb, method + "Response").FromString)
        return list(call(request, timeout=10))

    def plugin(self, method, request):
        return self.call("callboard.plugin.v1.PluginService", method, request)

    def configure(self, **settings):
        return self.plugin("Configure", pb.ConfigureRequest(settings_json=json.dumps(settings).encode(), host_token="t"))

    def get(self, path, headers=None):
        connection = http.client.HTTPConnection("plugin")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.runtime + "/http.sock")
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def close(self):
        self.channel.close()
        self.host.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.stderr.close()
        shutil.rmtree(self.runtime, ignore_errors=True)


class Plugin(unittest.TestCase):
    def setUp(self):
        self.p = Started()
        self.addCleanup(self.p.close)

    def test_says_where_it_listens_and_that_it_is_well(self):
        self.assertEqual(self.p.first_line, f"1|1|unix|{self.p.runtime}/rpc.sock|grpc")
        answer = self.p.call("grpc.health.v1.Health", "Check", pb.HealthCheckRequest(service="plugin"), pb.HealthCheckResponse)
        self.assertEqual(answer.status, 1)

    def test_describes_what_the_manifest_says(self):
        described = self.p.plugin("Describe", pb.DescribeRequest())
        manifest = (HERE / "plugin.yaml").read_text()
        self.assertIn(f"\nid: {described.id}\nversion: {described.version}\n", manifest)
        for names in (described.provides.catalog_providers, described.provides.catalog_processors, described.provides.scaffolder_actions,
                      described.provides.scaffolder_filters, described.provides.widgets):
            self.assertIn(f"[{', '.join(names)}]", manifest)

    def test_greets_with_the_settings(self):
        self.assertFalse(self.p.configure(greeting="Salut").diagnostics)
        principal = base64.urlsafe_b64encode(b'{"type":"user","subject":"user:default/ann"}').decode().rstrip("=")
        status, body = self.p.get("/greeting/caf%C3%A9%2F1", {"X-Callboard-Principal": principal})
        self.assertEqual((status, json.loads(body)), (200, {"greeting": "Salut, café/1!", "principal": "user:default/ann"}))
        self.assertEqual(self.p.get("/nowhere")[0], 404)

    def test_refuses_wrong_settings_and_keeps_the_former(self):
        self.p.configure(greeting="Salut")
        for wrong in ({"greeting": 1}, {"greeting": " "}, {"greting": "Hi"}):
            problems = self.p.configure(**wrong).diagnostics
            self.assertEqual(problems[0].code, "InputError", wrong)
        self.assertIn("Salut", self.p.get("/greeting/ann")[1].decode())

    def test_streams_ticks(self):
        status, body = self.p.get("/ticks?count=2")
        self.assertEqual((status, body), (200, b'data: {"tick": 0}\n\ndata: {"tick": 1}\n\n'))

    def test_provides_entities_and_processes_them(self):
        messages = self.p.stream("CatalogProviderService", "RefreshProvider", pb.RefreshProviderRequest(name="greetings"))
        entities = [e.json for m in messages for e in m.upserts]
        self.assertEqual([json.loads(e)["metadata"]["name"] for e in entities], ["python-hello", "python-world"])
        request = pb.ProcessEntitiesRequest(processor="greeted", stage=pb.PROCESSOR_STAGE_PRE_PROCESS, items=[pb.ProcessItem(entity_json=e) for e in entities])
        results = self.p.call("callboard.plugin.v1.CatalogProcessorService", "ProcessEntities", request).results
        self.assertEqual(json.loads(results[1].entity_json)["metadata"]["annotations"]["hello.callboard.dev/greeted"], "Hello, world!")

    def test_runs_its_action_and_refuses_input_that_does_not_fit(self):
        events = self.p.stream("ScaffolderActionsService", "ExecuteAction",
                               pb.ExecuteActionRequest(action="hello-python:greet", input_json=b'{"name":"Ann"}', dry_run=True))
        self.assertEqual(json.loads(events[-1].output.value_json), "Hello, Ann!")
        self.assertEqual(events[0].log.message, "greeting Ann")
        with self.assertRaises(grpc.RpcError) as caught:
            self.p.stream("ScaffolderActionsService", "ExecuteAction", pb.ExecuteActionRequest(action="hello-python:greet", input_json=b"{}"))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        details = dict(caught.exception.trailing_metadata())["grpc-status-details-bin"]
        diagnostic = pb.Diagnostic.FromString(pb.Status.FromString(details).details[0].value)
        self.assertEqual((diagnostic.code, diagnostic.path), ("InputError", "/name"))

    def test_shouts_in_templates(self):
        calls = [pb.FilterCall(filter="pythonShout", input_json=b'"hi"'), pb.FilterCall(filter="pythonShout", input_json=b'"hi"', arguments_json=[b'"?"']),
                 pb.FilterCall(filter="pythonShout", input_json=b"5"), pb.FilterCall(filter="pythonShout", input_json=b'"hi"', arguments_json=[b"5"])]
        results = self.p.call("callboard.plugin.v1.TemplateFiltersService", "CallFilters", pb.CallFiltersRequest(calls=calls)).results
        self.assertEqual([r.value_json for r in results[:2]], [b'"HI!"', b'"HI?"'])
        self.assertEqual((results[2].error.code, results[2].error.summary), ("InputError", "Only a text can be shouted."))
        self.assertIn("TypeError", results[3].error.summary)

    def test_answers_its_widget(self):
        frame = json.loads(self.p.stream("WidgetsService", "QueryWidget", pb.QueryWidgetRequest(widget="hello"))[0].frame_json)
        self.assertEqual(frame["columns"][0]["values"], ["Hello, world!"])

    def test_ends_when_it_is_told_to(self):
        class Empty:
            FromString = staticmethod(lambda data: data)

        self.p.call("plugin.GRPCController", "Shutdown", pb.DescribeRequest(), Empty)
        self.assertEqual(self.p.process.wait(10), 0)

    def test_ends_at_SIGTERM(self):
        self.p.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.p.process.wait(10), 0)

    def test_ends_when_the_host_is_gone(self):
        self.p.host.settimeout(10)
        watching, _ = self.p.host.accept()  # who was never connected cannot know that the host has gone
        os.unlink(self.p.runtime + "/host.sock")
        self.p.host.close()
        watching.close()
        self.assertEqual(self.p.process.wait(10), 0)


class TaskFiles:
    """The host's service of files, in memory: one page has two files."""

    def __init__(self):
        self.files = {}

    def ListFiles(self, request, context):
        names = [n for n in sorted(self.files) if n > request.after]
        return pb.ListFilesResponse(files=[pb.WorkspaceFile(path=n, size=len(self.files[n])) for n in names[:2]], more=len(names) > 2)

    def ReadFile(self, request, context):
        content = self.files[request.path]
        return pb.ReadFileResponse(data=content[request.offset:request.offset + callboard.Workspace.PART], size=len(content))

    def WriteFile(self, request, context):
        assert len(request.data) <= callboard.Workspace.PART and request.workspace == "handle"
        self.files[request.path] = (self.files[request.path] if request.append else b"") + request.data
        return pb.WriteFileResponse()

    def RemoveFile(self, request, context):
        self.files.pop(request.path, None)
        return pb.RemoveFileResponse()


class Workspace(unittest.TestCase):
    def test_is_read_and_written_through_the_host(self):
        served, folder = TaskFiles(), tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        server = grpc.server(futures.ThreadPoolExecutor(2))
        handlers = {m: grpc.unary_unary_rpc_method_handler(getattr(served, m), getattr(pb, m + "Request").FromString, lambda answer: answer.SerializeToString())
                    for m in ("ListFiles", "ReadFile", "WriteFile", "RemoveFile")}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("callboard.plugin.v1.HostWorkspaceService", handlers),))
        server.add_insecure_port(f"unix:{folder}/host.sock")
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())
        host = callboard.Host()
        host._connect(f"{folder}/host.sock", "")
        self.addCleanup(host._channel.close)
        files = callboard.Workspace(host, "handle")
        large = bytes(range(256)) * 2000  # several parts
        for name, content in (("a", large), ("b", b""), ("c", b"c"), ("d", b"d")):
            files.write(name, content)
        self.assertEqual([f.path for f in files.list()], ["a", "b", "c", "d"])
        self.assertEqual((files.read("a"), files.read("b")), (large, b""))
        files.write("a", b"short")
        files.remove("b")
        self.assertEqual(served.files, {"a": b"short", "c": b"c", "d": b"d"})


class Describe(unittest.TestCase):
    def test_needs_no_host(self):
        said = subprocess.run([sys.executable, "-B", "plugin.py"], cwd=HERE, env={"CALLBOARD_DESCRIBE": "1"}, capture_output=True, check=True)
        self.assertEqual(json.loads(said.stdout)["id"], "hello-python")


class Logs(unittest.TestCase):
    def test_hold_no_secret(self):
        redaction = callboard._Redaction()
        redaction.secrets = ['s3"cret']
        self.assertEqual(redaction.clean(json.dumps({"@message": 'token s3"cret'})), '{"@message": "token [secret]"}')


if __name__ == "__main__":
    unittest.main()
