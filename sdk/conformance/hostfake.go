package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// hostFake answers host.sock: keys and values are kept, a secret is a canary, and everything else is answered as by a host
// that has nothing. What the plugin asks is compared with what its manifest needs.
type hostFake struct {
	server   *grpc.Server
	listener *connections
	token    string
	needs    *Manifest // nil = no manifest
	secret   string
	served   chan struct{}

	mu      sync.Mutex
	values  map[string][]byte
	beyond  []string
	noToken []string
}

func serveHost(socket, token, secret string, needs *Manifest) (*hostFake, error) {
	l, err := listen(socket)
	if err != nil {
		return nil, err
	}
	h := &hostFake{listener: l, token: token, secret: secret, needs: needs, values: map[string][]byte{}, served: make(chan struct{})}
	h.server = grpc.NewServer(grpc.UnknownServiceHandler(h.handle), grpc.MaxRecvMsgSize(maxGRPC), grpc.MaxSendMsgSize(maxGRPC))
	go func() {
		defer close(h.served)
		_ = h.server.Serve(l) // ends with close
	}()
	return h, nil
}

// close is the death of the host: no listener, no connection, no file.
func (h *hostFake) close() {
	h.listener.closeAll()
	h.server.Stop()
	<-h.served
}

func (h *hostFake) handle(_ any, stream grpc.ServerStream) error {
	full, _ := grpc.MethodFromServerStream(stream)
	service, name, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
	method, err := findMethod(service, name)
	if err != nil {
		return err
	}
	request, err := newMessage(method.Input())
	if err != nil {
		return err
	}
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	if err := h.admit(stream.Context(), method); err != nil {
		return err
	}
	answer, err := h.answer(request, method)
	if err != nil || method.IsStreamingServer() {
		return err
	}
	return stream.SendMsg(answer)
}

func findMethod(service, name string) (protoreflect.MethodDescriptor, error) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if s, ok := d.(protoreflect.ServiceDescriptor); err == nil && ok {
		if m := s.Methods().ByName(protoreflect.Name(name)); m != nil {
			return m, nil
		}
	}
	return nil, status.Errorf(codes.Unimplemented, "the host has no %s/%s", service, name)
}

func newMessage(d protoreflect.MessageDescriptor) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", d.FullName(), err)
	}
	return t.New().Interface(), nil
}

// admit does what the host does with every call: who asks, and may it.
func (h *hostFake) admit(ctx context.Context, method protoreflect.MethodDescriptor) error {
	name := shortMethod("/" + string(method.Parent().FullName()) + "/" + string(method.Name()))
	h.mu.Lock()
	defer h.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	if !slices.Contains(md.Get("callboard-token"), h.token) {
		h.noToken = appendOnce(h.noToken, name)
		return refuse(codes.Unauthenticated, "AuthenticationError", "the call has no valid callboard-token")
	}
	if need := missingNeed(h.needs, string(method.Name())); need != "" {
		h.beyond = appendOnce(h.beyond, name+" without "+need)
		return refuse(codes.PermissionDenied, "NotAllowedError", "the manifest has no "+need)
	}
	return nil
}

func refuse(code codes.Code, name, text string) error {
	s, err := status.New(code, text).WithDetails(&pluginv1.Diagnostic{Severity: pluginv1.Diagnostic_SEVERITY_ERROR, Code: name, Summary: text})
	if err != nil {
		return status.Error(code, text)
	}
	return s.Err()
}

// missingNeed names what the manifest lacks for a method of the host; "" = nothing.
func missingNeed(m *Manifest, method string) string {
	if m == nil {
		return ""
	}
	lacks := func(has bool, need string) string {
		if has {
			return ""
		}
		return need
	}
	switch method {
	case "GetEntity", "QueryEntities":
		return lacks(slices.Contains(m.Catalog, "read"), "needs.catalog: [read]")
	case "RefreshEntity":
		return lacks(slices.Contains(m.Catalog, "refresh"), "needs.catalog: [refresh]")
	case "TriggerProvider":
		return lacks(slices.Contains(m.Catalog, "write-own"), "needs.catalog: [write-own]")
	case "GetValue", "PutValue", "DeleteValue", "ListKeys":
		return lacks(m.KV, "needs.storage.kv")
	case "GetSecret":
		return lacks(len(m.Secrets) > 0, "needs.secrets")
	case "GetPluginToken":
		return lacks(len(m.Plugins) > 0, "needs.plugins")
	case "PublishEvent":
		return lacks(len(m.Publish) > 0, "needs.events.publish")
	case "Authorize":
		return lacks(m.Permission, "needs.permission")
	}
	return ""
}

func (h *hostFake) answer(request proto.Message, method protoreflect.MethodDescriptor) (proto.Message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch r := request.(type) {
	case *pluginv1.PutValueRequest:
		if len(h.values) < 1000 {
			h.values[r.GetKey()] = r.GetValue()
		}
		return &pluginv1.PutValueResponse{Version: 1}, nil
	case *pluginv1.GetValueRequest:
		if value, ok := h.values[r.GetKey()]; ok {
			return &pluginv1.GetValueResponse{Value: value, Version: 1}, nil
		}
		return nil, refuse(codes.NotFound, "NotFoundError", "there is no such key")
	case *pluginv1.DeleteValueRequest:
		delete(h.values, r.GetKey())
	case *pluginv1.GetEntityRequest:
		return nil, refuse(codes.NotFound, "NotFoundError", "there is no such entity")
	case *pluginv1.GetSecretRequest:
		return &pluginv1.GetSecretResponse{Value: h.secret}, nil
	case *pluginv1.AcquireLockRequest:
		return &pluginv1.AcquireLockResponse{Held: true, Lease: "lease"}, nil
	case *pluginv1.AuthorizeRequest:
		decisions := slices.Repeat([]pluginv1.AuthorizeResponse_Decision{pluginv1.AuthorizeResponse_DECISION_DENY}, min(len(r.GetItems()), 1000))
		return &pluginv1.AuthorizeResponse{Decisions: decisions}, nil
	case *pluginv1.VerifyTokenRequest:
		return &pluginv1.VerifyTokenResponse{Principal: &pluginv1.Principal{Type: "none"}}, nil
	case *pluginv1.GetBaseUrlRequest:
		return &pluginv1.GetBaseUrlResponse{External: "http://127.0.0.1:7007/api/" + r.GetPlugin(), Internal: "http://callboard.internal/api/" + r.GetPlugin()}, nil
	}
	return newMessage(method.Output())
}

func (h *hostFake) asked() (beyond, noToken []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.beyond), slices.Clone(h.noToken)
}

func appendOnce(list []string, s string) []string {
	if slices.Contains(list, s) || len(list) > 50 {
		return list
	}
	return append(list, s)
}

// connections is a listener on a unix socket that knows its connections, to cut them all at once.
type connections struct {
	net.Listener

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
}

func listen(socket string) (*connections, error) {
	l, err := net.Listen("unix", socket) //nolint:noctx // it does not wait for anything
	if err != nil {
		return nil, fmt.Errorf("listen in the host's place: %w", err)
	}
	return &connections{Listener: l, open: map[net.Conn]struct{}{}}, nil
}

func (l *connections) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	tracked := &connection{Conn: c, owner: l}
	l.open[tracked] = struct{}{}
	return tracked, nil
}

// used tells whether somebody is connected.
func (l *connections) used() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open) > 0
}

func (l *connections) closeAll() {
	l.mu.Lock()
	open := l.open
	l.open, l.closed = map[net.Conn]struct{}{}, true
	l.mu.Unlock()
	if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return
	}
	for c := range open {
		c.Close()
	}
}

type connection struct {
	net.Conn

	owner *connections
}

func (c *connection) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.open, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}
