// Command brokenplugin is a plugin on the raw protocol that breaks one rule of it, chosen by -mode. Without a mode it keeps
// them all. It is what the conformance kit is tested with.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Schema is of the settings; the test has the same text in its manifest.
const Schema = `{"type":"object","required":["word"],"additionalProperties":false,"properties":{"word":{"type":"string","minLength":1,"maxLength":20},"token":{"type":"string","x-secret":true}}}`

type plugin struct {
	mode       string
	runtime    string
	settings   atomic.Pointer[settings]
	host       *grpc.ClientConn
	token      atomic.Pointer[string]
	configured atomic.Int32
	calls      atomic.Int64
	running    atomic.Int64
	lock       chan struct{}
	exit       chan struct{}
}

type settings struct {
	Word  string `json:"word"`
	Token string `json:"token"`
}

func (p *plugin) is(mode string) bool { return p.mode == mode }

func main() {
	mode := flag.String("mode", "", "what to break")
	flag.Parse()
	p := &plugin{mode: *mode, runtime: os.Getenv("CALLBOARD_RUNTIME_DIR"), exit: make(chan struct{}, 8), lock: make(chan struct{}, 1)}
	p.settings.Store(&settings{})
	p.token.Store(new(string))
	if os.Getenv("CALLBOARD_DESCRIBE") == "1" && !p.is("no-describe-mode") {
		text, _ := protojson.Marshal(p.description())
		fmt.Println(string(text))
		return
	}
	p.beforeHandshake()
	if err := p.serve(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot serve:", err)
		os.Exit(1)
	}
}

// beforeHandshake is how plugins fail to start.
func (p *plugin) beforeHandshake() {
	line := "1|1|unix|" + p.runtime + "/rpc.sock|grpc"
	switch p.mode {
	case "no-handshake":
		time.Sleep(time.Minute)
	case "exits-at-once":
		fmt.Fprintln(os.Stderr, "panic: no configuration found in /etc/broken.conf")
		os.Exit(3)
	case "stdout-noise":
		fmt.Println("Starting broken plugin v1.0.0 ...")
	case "bad-handshake":
		fmt.Println("ready")
		time.Sleep(time.Minute)
	case "wrong-protocol":
		fmt.Println("1|7|unix|" + p.runtime + "/rpc.sock|grpc")
		time.Sleep(time.Minute)
	case "other-address":
		fmt.Println("1|1|tcp|127.0.0.1:9|grpc")
		time.Sleep(time.Minute)
	case "with-tls":
		fmt.Println(line + "|MIIBIjANBgkq")
		time.Sleep(time.Minute)
	case "not-listening":
		fmt.Println(line)
		time.Sleep(time.Minute)
	case "closes-stdout":
		os.Stdout.Close()
		time.Sleep(time.Minute)
	}
}

func (p *plugin) serve() error {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	rpc, err := net.Listen("unix", filepath.Join(p.runtime, "rpc.sock"))
	if err != nil {
		return err
	}
	if !p.is("http-socket-missing") {
		web, err := net.Listen("unix", filepath.Join(p.runtime, "http.sock"))
		if err != nil {
			return err
		}
		go http.Serve(web, p.routes())
	}
	if p.host, err = grpc.NewClient("unix:"+filepath.Join(p.runtime, "host.sock"), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(p.unary), grpc.StreamInterceptor(p.stream), grpc.MaxSendMsgSize(64<<20))
	p.register(server)
	go server.Serve(rpc)
	p.atStart()
	fmt.Println("1|1|unix|" + p.runtime + "/rpc.sock|grpc")
	p.log("info", "started")
	if p.is("prints-later") {
		fmt.Println("still here")
	}
	if !p.is("survives-host") {
		go p.watchHost()
	}
	for {
		select {
		case <-p.exit:
			if p.is("slow-shutdown") {
				time.Sleep(30 * time.Second)
			}
			os.Exit(0)
		case <-terminated:
			if p.is("status-after-sigterm") {
				os.Exit(143)
			}
			if !p.is("ignores-sigterm") {
				os.Exit(0)
			}
		}
	}
}

func (p *plugin) register(server *grpc.Server) {
	checks := health.NewServer()
	status := grpc_health_v1.HealthCheckResponse_SERVING
	if p.is("never-serving") {
		status = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	checks.SetServingStatus("plugin", status)
	grpc_health_v1.RegisterHealthServer(server, checks)
	if !p.is("no-controller") {
		server.RegisterService(&grpc.ServiceDesc{ServiceName: "plugin.GRPCController", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Shutdown", Handler: p.shutdown}}}, p)
	}
	pluginv1.RegisterPluginServiceServer(server, base{plugin: p})
	pluginv1.RegisterCatalogProviderServiceServer(server, provider{plugin: p})
	pluginv1.RegisterCatalogProcessorServiceServer(server, processor{plugin: p})
	pluginv1.RegisterScaffolderActionsServiceServer(server, actions{plugin: p})
	pluginv1.RegisterTemplateFiltersServiceServer(server, filters{plugin: p})
	pluginv1.RegisterWidgetsServiceServer(server, widgets{plugin: p})
	pluginv1.RegisterSearchCollatorServiceServer(server, collator{plugin: p})
	pluginv1.RegisterPermissionRulesServiceServer(server, rules{plugin: p})
}

func (p *plugin) shutdown(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	if err := decode(&emptypb.Empty{}); err != nil {
		return nil, err
	}
	time.AfterFunc(50*time.Millisecond, func() {
		if p.is("waits-for-calls") {
			for p.running.Load() > 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}
		p.exit <- struct{}{}
	})
	return &emptypb.Empty{}, nil
}

func (p *plugin) watchHost() {
	for failures := 0; failures < 3; time.Sleep(300 * time.Millisecond) {
		c, err := net.Dial("unix", filepath.Join(p.runtime, "host.sock"))
		if err != nil {
			failures++
			continue
		}
		failures = 0
		_, _ = c.Read(make([]byte, 64))
		c.Close()
	}
	p.exit <- struct{}{}
}

func (p *plugin) log(level, message string) {
	fmt.Fprintf(os.Stderr, `{"@level":%q,"@message":%q,"@timestamp":%q,"@module":"broken"}`+"\n", level, message, time.Now().UTC().Format(time.RFC3339))
}
