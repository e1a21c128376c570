"""What a Callboard plugin in Python needs, in one file: copy it, with callboard_pb.py, beside your plugin.py.

It needs Python 3.9 and the packages grpcio and protobuf (Debian: python3-grpcio, python3-protobuf). The protocol that it
speaks is sdk/PROTOCOL.md of Callboard. Handlers run on threads: what they share needs a lock.
"""

import base64
import binascii
import contextlib
import http.client
import json
import logging
import os
import re
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time
from concurrent import futures
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

import grpc
from google.protobuf import json_format

import callboard_pb as pb

SDK = "callboard-python/1"
COOKIE = "callboard-plugin-v1"
MAX_GRPC = 4 << 20
BATCH = 128 << 10  # a message may have 256 KiB; lists are split well below
THREADS = 16  # for calls, and as many again for HTTP: threads count as processes in the plugin's limits
log = logging.getLogger("plugin")


class Error(Exception):
    """An error whose name and text the caller sees. Any other exception is an internal error: logged, not shown."""

    code, grpc_status, http_status = "", grpc.StatusCode.INTERNAL, 500

    def __init__(self, message, path="", detail=""):
        super().__init__(message)
        self.path, self.detail = path, detail

    def diagnostic(self):
        return pb.Diagnostic(severity=1, code=self.code, summary=str(self), detail=self.detail, path=self.path)


def _error(code, grpc_status, http_status):
    return type(code, (Error,), {"code": code, "grpc_status": grpc_status, "http_status": http_status})


InputError = _error("InputError", grpc.StatusCode.INVALID_ARGUMENT, 400)
AuthenticationError = _error("AuthenticationError", grpc.StatusCode.UNAUTHENTICATED, 401)
NotAllowedError = _error("NotAllowedError", grpc.StatusCode.PERMISSION_DENIED, 403)
NotFoundError = _error("NotFoundError", grpc.StatusCode.NOT_FOUND, 404)
ConflictError = _error("ConflictError", grpc.StatusCode.ABORTED, 409)
NotImplementedError_ = _error("NotImplementedError", grpc.StatusCode.UNIMPLEMENTED, 501)
ServiceUnavailableError = _error("ServiceUnavailableError", grpc.StatusCode.UNAVAILABLE, 503)


class Plugin:
    """A plugin: register with the decorators, then call serve(). settings_schema is a JSON Schema as a dict."""

    def __init__(self, id, version, title="", description="", license="", settings_schema=None):
        self.id, self.settings = id, {}
        self.host = Host()
        self._describe = pb.DescribeResponse(id=id, version=version, title=title, description=description, license=license, sdk=SDK)
        self._schema, self._validate, self._configure = settings_schema, None, None
        self._health, self._metrics = None, None
        self._routes, self._providers, self._processors, self._actions, self._filters, self._widgets = [], {}, {}, {}, {}, {}
        self._stop, self._running, self._redact = threading.Event(), _Running(), _Redaction()
        if settings_schema is not None:
            self._describe.settings_schema_json = json.dumps(settings_schema)

    # What an author registers. Each is a decorator.

    def validate(self, f):
        """f(settings) raises InputError for settings that fit the schema and are wrong all the same."""
        self._validate = f
        return f

    def configure(self, f):
        """f(settings) takes checked settings into use; what it raises keeps the former ones."""
        self._configure = f
        return f

    def health(self, f):
        """f() answers "" when all is well, else a sentence for people. It must answer at once."""
        self._health = f
        return f

    def metrics(self, f):
        """f() answers the Prometheus text format."""
        self._metrics = f
        return f

    def route(self, pattern, unauthenticated=False):
        """f(request) for "GET /greeting/{name}" returns a Response, something for JSON, or yields server-sent events."""
        method, path = pattern.split(" ", 1)

        def register(f):
            expression = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
            self._routes.append((method, re.compile(expression + r"\Z"), f))
            self._describe.provides.http = True
            if unauthenticated:
                self._describe.provides.http_unauthenticated.append(path)
            return f

        return register

    def provider(self, name, interval=600):
        """f() yields all entities of the provider, as dicts."""
        return self._register(self._providers, "catalog_providers", name, pb.CatalogProvider(name=name, interval_seconds=interval))

    def processor(self, name, stage="pre", kinds=()):
        """f(entity) returns the entity, changed or not. Keep members that you do not know. stage: pre or post."""
        number = {"pre": pb.PROCESSOR_STAGE_PRE_PROCESS, "post": pb.PROCESSOR_STAGE_POST_PROCESS}[stage]
        return self._register(self._processors, "catalog_processors", name, pb.CatalogProcessor(name=name, stages=[number], kinds=kinds))

    def action(self, id, description="", input=None, output=None, dry_run=False, repeatable=False):
        """f(context) returns a dict of outputs; see ActionContext. input and output are JSON Schemas as dicts."""
        return self._register(self._actions, "scaffolder_actions", id, pb.ScaffolderAction(
            id=id, description=description, supports_dry_run=dry_run, repeatable=repeatable,
            input_schema_json=json.dumps(input or {"type": "object"}), output_schema_json=json.dumps(output or {"type": "object"})))

    def filter(self, name, description="", input=None, arguments=(), output=None):
        """f(value, *arguments) returns the result of ${{ value | name(arguments) }}. Rendering waits for it, at most a second: it
        has no effects and asks nobody. input, arguments and output are JSON Schemas as dicts, which document it."""
        return self._register(self._filters, "scaffolder_filters", name, pb.TemplateFilter(
            id=name, description=description, input_schema_json=json.dumps(input or {}),
            argument_schemas_json=[json.dumps(a) for a in arguments], output_schema_json=json.dumps(output or {})))

    def widget(self, id, title="", view="stat", applies_to="", refresh=0):
        """f(query) returns a frame, as frame() makes it. query has entity, args, user_ref, from_ms, to_ms."""
        return self._register(self._widgets, "widgets", id, pb.Widget(id=id, title=title, view=view, applies_to=applies_to, refresh_seconds=refresh))

    def _register(self, table, provides, name, about):
        if name in table:
            raise ValueError(f"{provides}: {name} is registered twice")

        def register(f):
            table[name] = (about, f)
            getattr(self._describe.provides, provides).append(name)
            return f

        return register

    # Life: describe mode, or serve until told to stop.

    def serve(self):
        """Serves until the host says stop or is gone. It does not return."""
        services = {
            "CatalogProviderService": self._providers, "CatalogProcessorService": self._processors,
            "ScaffolderActionsService": self._actions, "TemplateFiltersService": self._filters, "WidgetsService": self._widgets,
        }
        self._describe.services.extend("callboard.plugin.v1." + name for name, table in services.items() if table)
        if os.environ.get("CALLBOARD_DESCRIBE") == "1":
            print(json_format.MessageToJson(self._describe), flush=True)
            os._exit(0)
        if os.environ.get("CALLBOARD_PLUGIN") != COOKIE or "CALLBOARD_RUNTIME_DIR" not in os.environ:
            sys.exit(f"This is the Callboard plugin {self._describe.id} {self._describe.version}. Callboard starts it; see `callboard plugin --help`.")
        _log_to_host(self._redact)
        runtime = os.environ["CALLBOARD_RUNTIME_DIR"]
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        server = self._grpc_server(os.path.join(runtime, "rpc.sock"))
        if self._routes:
            _HTTPServer(os.path.join(runtime, "http.sock"), self).start()
        self.host._connect(os.path.join(runtime, "host.sock"), os.path.join(runtime, "egress.sock"))
        threading.Thread(target=_watch_host, args=(os.path.join(runtime, "host.sock"), self._stop), daemon=True).start()
        print(f"1|1|unix|{runtime}/rpc.sock|grpc", flush=True)
        self._stop.wait()
        server.stop(0.5).wait(1)
        sys.stderr.flush()
        os._exit(0)  # threads of handlers that still run must not hold the process

    def _grpc_server(self, path):
        server = grpc.server(futures.ThreadPoolExecutor(THREADS), options=[
            ("grpc.max_receive_message_length", MAX_GRPC), ("grpc.max_send_message_length", MAX_GRPC)])
        server.add_generic_rpc_handlers(_handlers(self))
        if server.add_insecure_port("unix:" + path) == 0:
            raise OSError(f"cannot listen on {path}")
        server.start()
        return server

    # PluginService

    def Describe(self, request, context):
        return self._describe

    def ValidateConfig(self, request, context):
        return pb.ValidateConfigResponse(diagnostics=self._problems(request.settings_json)[1])

    def _problems(self, text):
        try:
            settings = json.loads(text or b"{}")
        except (ValueError, RecursionError):
            return None, [InputError("The settings are not JSON.").diagnostic()]
        problems = list(schema_problems(self._schema or {"type": "object"}, settings))
        if not problems and self._validate:
            try:
                self._validate(settings)
            except Error as e:
                problems = [e]
        return settings, [p.diagnostic() for p in problems]

    def Configure(self, request, context):
        settings, problems = self._problems(request.settings_json)
        if problems:
            return pb.ConfigureResponse(diagnostics=problems)
        self._redact.secrets = sorted(_secrets(self._schema or {}, settings), key=len, reverse=True) + [request.host_token]
        self.host._token, self.host.base_url = request.host_token, request.base_url
        if self._configure:
            self._configure(settings)
        self.settings = settings
        return pb.ConfigureResponse()

    def CheckHealth(self, request, context):
        problem = self._health() if self._health else ""
        if not problem:
            return pb.CheckHealthResponse(status=1)
        return pb.CheckHealthResponse(status=2, diagnostics=[pb.Diagnostic(severity=2, summary=problem)])

    def Drain(self, request, context):
        grace = request.grace.seconds + request.grace.nanos / 1e9 or 30
        self._running.wait(min(grace, context.time_remaining() or grace))
        return pb.DrainResponse()

    def CollectMetrics(self, request, context):
        return pb.CollectMetricsResponse(prometheus_text=(self._metrics() if self._metrics else "").encode())

    # Capabilities

    def ListProviders(self, request, context):
        return pb.ListProvidersResponse(providers=[about for about, _ in self._providers.values()])

    def RefreshProvider(self, request, context):
        _, entities = _find(self._providers, request.name, "provider")
        yield pb.RefreshProviderResponse(full=True)
        for batch in _batches(json.dumps(e).encode() for e in entities()):
            yield pb.RefreshProviderResponse(full=True, upserts=[pb.EntityDocument(json=e) for e in batch])

    def ListProcessors(self, request, context):
        return pb.ListProcessorsResponse(processors=[about for about, _ in self._processors.values()])

    def ProcessEntities(self, request, context):
        about, process = _find(self._processors, request.processor, "processor")
        response = pb.ProcessEntitiesResponse()
        for item in request.items:
            result = response.results.add()
            if request.stage not in about.stages:
                continue
            try:
                before = json.loads(item.entity_json)
                after = process(json.loads(item.entity_json))
                if after != before:
                    result.entity_json = json.dumps(after).encode()
            except Error as e:
                result.diagnostics.append(e.diagnostic())
            except Exception as e:
                log.exception("processor failed", extra={"fields": {"processor": request.processor}})
                result.diagnostics.append(pb.Diagnostic(severity=1, summary=f"The processor {request.processor} failed ({type(e).__name__})."))
        return response

    def ListActions(self, request, context):
        return pb.ListActionsResponse(actions=[about for about, _ in self._actions.values()])

    def ExecuteAction(self, request, context):
        about, run = _find(self._actions, request.action, "action")
        step = ActionContext(request, context, self.host)
        for problem in schema_problems(json.loads(about.input_schema_json), step.input):
            raise problem
        if request.dry_run and not about.supports_dry_run:
            raise InputError(f"The action {request.action} has no dry run.")
        outputs = run(step)
        yield from _action_events(outputs, context)

    def ListFilters(self, request, context):
        return pb.ListFiltersResponse(filters=[about for about, _ in self._filters.values()])

    def CallFilters(self, request, context):
        response = pb.CallFiltersResponse()
        for call in request.calls:
            _, apply = _find(self._filters, call.filter, "filter")
            result = response.results.add()
            try:
                value = apply(json.loads(call.input_json or b"null"), *(json.loads(a) for a in call.arguments_json))
                result.value_json = json.dumps(value).encode()
            except Error as e:
                result.error.CopyFrom(e.diagnostic())
            except Exception as e:
                log.exception("filter failed", extra={"fields": {"filter": call.filter}})
                result.error.CopyFrom(pb.Diagnostic(severity=1, summary=f"The filter {call.filter} failed ({type(e).__name__})."))
        return response

    def ListWidgets(self, request, context):
        return pb.ListWidgetsResponse(widgets=[about for about, _ in self._widgets.values()])

    def QueryWidget(self, request, context):
        _, query = _find(self._widgets, request.widget, "widget")
        yield pb.QueryWidgetResponse(frame_json=json.dumps(query(WidgetQuery(request))).encode())


class ActionContext:
    """One run of an action. An action is a generator: yield step.log("…") and step.output("name", value)."""

    def __init__(self, request, call, host):
        self.input = json.loads(request.input_json or b"{}")
        self.dry_run, self.user_ref, self.task_id = request.dry_run, request.user_ref, request.task_id
        self.step_name, self.template_ref, self.workspace = request.step_name, request.template_ref, Workspace(host, request.workspace)
        self._call = call

    def cancelled(self):
        """True when the host has given the step up: return soon."""
        return not self._call.is_active()

    @staticmethod
    def log(message, level="info"):
        return pb.ExecuteActionResponse(log=pb.ActionLog(level=level, message=message))

    @staticmethod
    def output(name, value):
        return pb.ExecuteActionResponse(output=pb.ActionOutput(name=name, value_json=json.dumps(value).encode()))


class Workspace:
    """The files of the task, while the step runs. Needs scaffolder: [workspace]. Paths are relative to it, with "/"."""

    PART = 192 << 10

    def __init__(self, host, handle):
        self._host, self._handle = host, handle

    def _call(self, method, request, **members):
        return self._host.call("HostWorkspaceService", method, request(workspace=self._handle, **members))

    def list(self, folder=""):
        """All files of a folder and below, with path, size and executable."""
        files, more = [], True
        while more:
            page = self._call("ListFiles", pb.ListFilesRequest, folder=folder, after=files[-1].path if files else "")
            files.extend(page.files)
            more = page.more and page.files
        return files

    def read(self, path):
        content = b""
        while True:
            part = self._call("ReadFile", pb.ReadFileRequest, path=path, offset=len(content))
            content += part.data
            if not part.data or len(content) >= part.size:
                return content

    def write(self, path, data, executable=False):
        for start in range(0, max(len(data), 1), self.PART):
            self._call("WriteFile", pb.WriteFileRequest, path=path, data=data[start:start + self.PART], append=start > 0, executable=executable)

    def remove(self, path):
        self._call("RemoveFile", pb.RemoveFileRequest, path=path)


def _action_events(events, context):
    for event in events or ():
        if not context.is_active():
            return
        yield event


class WidgetQuery:
    def __init__(self, request):
        self.entity = json.loads(request.entity_json) if request.entity_json else None
        self.args = json.loads(request.args_json) if request.args_json else {}
        self.user_ref, self.from_ms, self.to_ms = request.user_ref, request.from_ms, request.to_ms
        self.max_points, self.locale, self.time_zone = request.max_points, request.locale, request.time_zone


class Host:
    """The host's services: call("HostKeyValueService", "GetValue", pb.GetValueRequest(key="a"))."""

    base_url, _token, _channel, _egress = "", "", None, ""

    def _connect(self, path, egress):
        self._egress = egress
        self._channel = grpc.insecure_channel("unix:" + path, options=[
            ("grpc.max_receive_message_length", MAX_GRPC), ("grpc.default_authority", "host"), ("grpc.enable_http_proxy", 0)])

    def call(self, service, method, request, timeout=10):
        """Answers the response message; raises grpc.RpcError with the host's status."""
        response = getattr(pb, method + "Response")
        call = self._channel.unary_unary(f"/callboard.plugin.v1.{service}/{method}",
                                         request_serializer=lambda m: m.SerializeToString(), response_deserializer=response.FromString)
        return call(request, timeout=timeout, metadata=(("callboard-token", self._token),))

    def fetch(self, url, method="GET", body=None, headers=None, timeout=30):
        """An HTTP request to where the manifest's needs.egress allows; answers (status, headers, bytes)."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout)
        with contextlib.closing(connection):
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(timeout)
            connection.sock.connect(self._egress)
            target = url
            if parts.scheme == "https":
                _connect_through(connection, parts.hostname, port)
                target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
            connection.request(method, target, body, {"Host": parts.netloc, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()


def _connect_through(connection, host, port):
    connection.sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection.sock, method="CONNECT")
    answer.begin()
    if answer.status != 200:
        raise NotAllowedError(f"{host}:{port} is not open to this plugin ({answer.status}): add it to needs.egress of plugin.yaml.")
    connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)


def frame(name, *columns):
    """A data frame of a widget: columns are dicts such as {"name": "count", "type": "number", "values": [1, 2]}."""
    return {"name": name, "columns": list(columns)}


def schema_problems(schema, value, path=""):
    """Yields an InputError for each place where value does not fit: the part of JSON Schema that settings use."""
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float), "integer": int}
    wanted = schema.get("type")
    wanted = wanted if isinstance(wanted, list) else [wanted] if wanted else []
    if wanted and not any(isinstance(value, types[t]) and (t == "boolean" or not isinstance(value, bool)) for t in wanted):
        yield InputError(f"{path or 'The value'} must be of type {' or '.join(wanted)}.", path)
        return
    if "enum" in schema and value not in schema["enum"]:
        yield InputError(f"{path} must be one of {json.dumps(schema['enum'])}.", path)
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield InputError(f"{path} must have at least {schema['minLength']} characters.", path)
        if len(value) > schema.get("maxLength", len(value)):
            yield InputError(f"{path} must have at most {schema['maxLength']} characters.", path)
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield InputError(f"{path} must match {schema['pattern']}.", path)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            yield InputError(f"{path} must be at least {schema['minimum']}.", path)
        if value > schema.get("maximum", value):
            yield InputError(f"{path} must be at most {schema['maximum']}.", path)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from schema_problems(schema.get("items", {}), item, f"{path}/{index}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield InputError(f"{path}/{name} is missing.", f"{path}/{name}")
        for name, member in value.items():
            if name in known:
                yield from schema_problems(known[name], member, f"{path}/{name}")
            elif schema.get("additionalProperties") is False:
                yield InputError(f"{path}/{name} is not a setting.", f"{path}/{name}")


def _secrets(schema, value):
    if schema.get("x-secret") and isinstance(value, str) and value:
        yield value
    if isinstance(value, dict):
        for name, member in schema.get("properties", {}).items():
            if name in value:
                yield from _secrets(member, value[name])


def _find(table, name, what):
    if name not in table:
        raise NotFoundError(f"There is no {what} {name}.")
    return table[name]


def _batches(documents):
    batch, size = [], 0
    for document in documents:
        if batch and size + len(document) > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document)
    if batch:
        yield batch


# gRPC: the generated part is the message classes alone, so that no code generator is needed to run.

_METHODS = {
    "callboard.plugin.v1.PluginService": "Describe ValidateConfig Configure CheckHealth Drain CollectMetrics",
    "callboard.plugin.v1.CatalogProviderService": "ListProviders RefreshProvider*",
    "callboard.plugin.v1.CatalogProcessorService": "ListProcessors ProcessEntities",
    "callboard.plugin.v1.ScaffolderActionsService": "ListActions ExecuteAction*",
    "callboard.plugin.v1.TemplateFiltersService": "ListFilters CallFilters",
    "callboard.plugin.v1.WidgetsService": "ListWidgets QueryWidget*",
}


def _handlers(plugin):
    handlers = []
    for service, methods in _METHODS.items():
        if service.endswith(".PluginService") or service in plugin._describe.services:
            table = {m.rstrip("*"): _method(plugin, m.rstrip("*"), m.endswith("*")) for m in methods.split()}
            handlers.append(grpc.method_handlers_generic_handler(service, table))
    health = grpc.unary_unary_rpc_method_handler(_check_health, pb.HealthCheckRequest.FromString, lambda m: m.SerializeToString())
    watch = grpc.unary_stream_rpc_method_handler(
        lambda request, context: _watch_health(request, context, plugin._stop), pb.HealthCheckRequest.FromString, lambda m: m.SerializeToString())

    def shutdown(request, context):
        context.add_callback(plugin._stop.set)  # after the answer has left
        return b""

    handlers.append(grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": health, "Watch": watch}))
    handlers.append(grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": grpc.unary_unary_rpc_method_handler(shutdown)}))
    return tuple(handlers)


def _check_health(request, context):
    if request.service not in ("", "plugin"):
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return pb.HealthCheckResponse(status=1)  # SERVING


def _watch_health(request, context, stop):
    yield _check_health(request, context)
    while context.is_active() and not stop.wait(0.5):
        pass


def _method(plugin, name, stream):
    call = getattr(plugin, name)

    def unary(request, context):
        with plugin._running.one(name):
            try:
                return call(request, context)
            except Exception as e:
                _abort(context, name, e)

    def streaming(request, context):
        with plugin._running.one(name):
            try:
                for message in call(request, context):
                    if not context.is_active():
                        return
                    yield message
            except Exception as e:
                _abort(context, name, e)

    make = grpc.unary_stream_rpc_method_handler if stream else grpc.unary_unary_rpc_method_handler
    return make(streaming if stream else unary, getattr(pb, name + "Request").FromString, lambda m: m.SerializeToString())


def _abort(context, name, e):
    """Ends a call with a status that carries a Diagnostic. Exceptions that are not an Error keep their text for the log."""
    if not isinstance(e, Error):
        log.error("call failed", exc_info=e, extra={"fields": {"method": name}})
        e = Error(f"{name} failed; the plugin's log has the reason.")
    status = pb.Status(code=e.grpc_status.value[0], message=str(e))
    status.details.add(type_url="type.googleapis.com/callboard.plugin.v1.Diagnostic", value=e.diagnostic().SerializeToString())
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(e.grpc_status, str(e))


class _Running:
    """Counts the calls that Drain waits for."""

    def __init__(self):
        self._count, self._changed = 0, threading.Condition()

    @contextlib.contextmanager
    def one(self, name):
        counted = name not in ("Drain", "CheckHealth")
        with self._changed:
            self._count += counted
        try:
            yield
        finally:
            with self._changed:
                self._count -= counted
                self._changed.notify_all()

    def wait(self, timeout):
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, timeout)


def _watch_host(path, stop):
    """Holds a connection to the host. When it ends and no new one can be made for two seconds, the host is gone."""
    parent, failures = os.getppid(), None  # None = there was no connection yet: a plugin is also started without a host
    while not stop.is_set():
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(path)
                failures = 0
                while connection.recv(4096):
                    pass
        except OSError:
            failures = None if failures is None else failures + 1
        if (failures or 0) >= 4 or os.getppid() != parent:
            stop.set()
        time.sleep(0.5)


# HTTP


class Response:
    def __init__(self, body=b"", status=200, content_type="application/json", headers=None):
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status, self.headers = status, {"Content-Type": content_type, **(headers or {})}


class Request:
    """path holds the values of the route's {names}; principal is who calls, as the host says."""

    def __init__(self, handler, path, body):
        self.path, self.body, self.headers = path, body, handler.headers
        self.query = parse_qs(urlsplit(handler.path).query)
        self.principal = Principal(handler.headers.get("X-Callboard-Principal", ""))
        self.user_token = handler.headers.get("X-Callboard-User-Token", "")

    def json(self):
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise InputError("The body is not JSON.") from None


class Principal:
    """type is "user", "service" or "none"; subject is a ref such as "user:default/ann". The host alone sets the header."""

    def __init__(self, header):
        try:
            known = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))) if header else {}
            known = known if isinstance(known, dict) else {}
        except (ValueError, RecursionError, binascii.Error):
            known = {}
        self.type, self.subject = known.get("type", "none"), known.get("subject", "")
        self.actor, self.ownership_refs = known.get("actor", ""), known.get("ownershipRefs") or []


class _HTTPServer(socketserver.UnixStreamServer):
    """One thread for each request that runs, THREADS at most; a connection is not kept, so that none waits for another."""

    request_queue_size = 1024

    def __init__(self, path, plugin):
        super().__init__(path, _HTTPHandler)
        self.plugin, self._free = plugin, threading.BoundedSemaphore(THREADS)

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request, client_address):
        self._free.acquire()
        threading.Thread(target=self._run, args=(request, client_address), daemon=True).start()

    def _run(self, request, client_address):
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # the caller has gone
        except Exception:
            log.exception("request failed")
        finally:
            self.shutdown_request(request)
            self._free.release()


class _HTTPHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    MAX_BODY = 8 << 20

    def handle_one_request(self):
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if self.raw_requestline and self.parse_request():
            self.close_connection = True
            with self.server.plugin._running.one("HTTP"):
                self._answer()

    def _answer(self):
        try:
            result = self._call()
        except Error as e:
            body = {"error": {"name": e.code or "Error", "message": str(e)}, "response": {"statusCode": e.http_status}}
            result = Response(body, e.http_status)
        except Exception:
            log.exception("route failed", extra={"fields": {"path": urlsplit(self.path).path}})
            result = Response({"error": {"name": "Error", "message": "Internal error"}, "response": {"statusCode": 500}}, 500)
        if hasattr(result, "__next__"):
            return self._stream(result)
        result = result if isinstance(result, Response) else Response(result)
        self._head(result.status, {**result.headers, "Content-Length": str(len(result.body))})
        if self.command != "HEAD":
            self.wfile.write(result.body)

    def _call(self):
        # The escaped path is matched and its values decoded afterwards: %2F in a value is not a border of segments.
        path, allowed = urlsplit(self.path).path, []
        for method, expression, f in self.server.plugin._routes:
            match = expression.match(path)
            if match and method in (self.command, {"HEAD": "GET"}.get(self.command)):
                return f(Request(self, {k: unquote(v) for k, v in match.groupdict().items()}, self._body()))
            allowed += [method] if match else []
        if allowed:
            return Response({"error": {"name": "Error", "message": "Method not allowed"}}, 405, headers={"Allow": ", ".join(allowed)})
        raise NotFoundError("No such route.")

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(64).split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline(8)
                self._limit(len(body))
            return body
        return self.rfile.read(self._limit(int(self.headers.get("Content-Length") or 0)))

    def _limit(self, size):
        if size > self.MAX_BODY:
            raise InputError("The body is too large.")
        return size

    def _stream(self, events):
        self._head(200, {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "Transfer-Encoding": "chunked"})
        try:
            for event in events:
                data = b"data: " + json.dumps(event).encode() + b"\n\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        finally:
            events.close()

    def _head(self, status, headers):
        self.send_response_only(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def address_string(self):
        return "host"

    def log_message(self, format, *args):
        log.debug(format, *args)


# Logging: JSON lines on standard error, where the host reads them.


class _Redaction:
    secrets = ()

    def clean(self, text):
        for secret in self.secrets:
            if secret:
                text = text.replace(json.dumps(secret)[1:-1], "[secret]")
        return text


class _HostHandler(logging.Handler):
    def __init__(self, redact):
        super().__init__()
        self._redact = redact

    def emit(self, record):
        fields = dict(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0]:
            fields["error"] = f"{record.exc_info[0].__name__}: {record.exc_info[1]}"
            fields["stack"] = logging.Formatter().formatException(record.exc_info)
        level = {"WARNING": "warn", "CRITICAL": "error"}.get(record.levelname, record.levelname.lower())
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"@level": level, "@message": record.getMessage(), "@timestamp": moment, "@module": record.name, **fields}, default=str)
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(self._redact.clean(line) + "\n")
            sys.stderr.flush()


def _log_to_host(redact):
    root = logging.getLogger()
    root.handlers = [_HostHandler(redact)]
    root.setLevel(logging.INFO)
    logging.getLogger("grpc").setLevel(logging.CRITICAL + 1)  # a failed call is logged once, by _abort
