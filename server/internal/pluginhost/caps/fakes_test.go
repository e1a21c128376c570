package caps

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/catalog/catalogtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service registers one service of a plugin on its server.
type service func(*grpc.Server)

// serve runs the services on a unix socket and returns a connection to it, as launch makes one.
func serve(t testing.TB, services ...service) *grpc.ClientConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "cb")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "rpc.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64<<20), grpc.MaxSendMsgSize(64<<20))
	for _, s := range services {
		s(server)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		server.Stop()
		<-done
		_ = os.RemoveAll(dir)
	})
	return conn
}

// switchboard is a Source whose plugin comes, goes and is replaced.
type switchboard struct {
	mu     sync.Mutex
	client *Client
	down   bool
}

func (s *switchboard) Client(context.Context) (*Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down || s.client == nil {
		return nil, apierror.Newf(apierror.ServiceUnavailable, "Plugin hello is stopped")
	}
	return s.client, nil
}

func (s *switchboard) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *switchboard) replace(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = c
}

// one is a Source for a plugin that is always there.
func one(c *Client) *switchboard { return &switchboard{client: c} }

// options are those of a client of the plugin hello.
func options(version string, change ...func(*ClientOptions)) ClientOptions {
	o := ClientOptions{Plugin: "hello", Version: version, Retry: 20 * time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	return o
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// quick has proxies look often.
const quick = 5 * time.Millisecond

// providerService serves one provider by a function.
type providerService struct {
	pluginv1.UnimplementedCatalogProviderServiceServer

	interval int64
	refresh  func(r *pluginv1.RefreshProviderRequest, send func(*pluginv1.RefreshProviderResponse) error) error
}

func (p *providerService) register(s *grpc.Server) {
	pluginv1.RegisterCatalogProviderServiceServer(s, p)
}

func (p *providerService) ListProviders(context.Context, *pluginv1.ListProvidersRequest) (*pluginv1.ListProvidersResponse, error) {
	return &pluginv1.ListProvidersResponse{Providers: []*pluginv1.CatalogProvider{{Name: "things", IntervalSeconds: p.interval}}}, nil
}

func (p *providerService) RefreshProvider(r *pluginv1.RefreshProviderRequest, s grpc.ServerStreamingServer[pluginv1.RefreshProviderResponse]) error {
	return rpcerror.Encode(p.refresh(r, s.Send))
}

// document is an entity on the wire.
func document(e entity.Entity) *pluginv1.EntityDocument {
	data, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return &pluginv1.EntityDocument{Json: data}
}

// processorService serves one processor by a behaviour of the suite, or by a function for whole batches.
type processorService struct {
	pluginv1.UnimplementedCatalogProcessorServiceServer

	mu    sync.Mutex
	does  catalogtest.Behaviour
	batch func(ctx context.Context, r *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error)
}

func (p *processorService) register(s *grpc.Server) {
	pluginv1.RegisterCatalogProcessorServiceServer(s, p)
}

func (p *processorService) become(b catalogtest.Behaviour) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does = b
}

func (p *processorService) behaviour() catalogtest.Behaviour {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.does
}

func (p *processorService) ListProcessors(context.Context, *pluginv1.ListProcessorsRequest) (*pluginv1.ListProcessorsResponse, error) {
	b := p.behaviour()
	listed := &pluginv1.CatalogProcessor{Name: "seer", Kinds: b.Kinds}
	if b.Pre != nil || p.batch != nil {
		listed.Stages = append(listed.Stages, preProcess)
	}
	if b.Validate != nil {
		listed.Stages = append(listed.Stages, validate)
	}
	if b.Post != nil {
		listed.Stages = append(listed.Stages, postProcess)
	}
	return &pluginv1.ListProcessorsResponse{Processors: []*pluginv1.CatalogProcessor{listed}}, nil
}

func (p *processorService) ProcessEntities(ctx context.Context, r *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error) {
	if p.batch != nil {
		answer, err := p.batch(ctx, r)
		return answer, rpcerror.Encode(err)
	}
	b := p.behaviour()
	answer := &pluginv1.ProcessEntitiesResponse{}
	for _, item := range r.GetItems() {
		answer.Results = append(answer.Results, do(b, r.GetStage(), item))
	}
	return answer, nil
}

func do(b catalogtest.Behaviour, stage pluginv1.ProcessorStage, item *pluginv1.ProcessItem) *pluginv1.ProcessResult {
	result, err := &pluginv1.ProcessResult{}, error(nil)
	d := json.NewDecoder(strings.NewReader(string(item.GetEntityJson())))
	d.UseNumber()
	var e entity.Entity
	if err := d.Decode(&e); err != nil {
		panic(err)
	}
	switch stage {
	case preProcess:
		if e, err = b.Pre(e); err == nil {
			result.EntityJson = document(e).GetJson()
		}
	case validate:
		result.Recognized, err = b.Validate(e)
	case postProcess:
		var emission catalogtest.Emission
		emission, err = b.Post(e)
		for _, child := range emission.Entities {
			result.EmittedEntities = append(result.EmittedEntities, document(child))
		}
		for _, r := range emission.Relations {
			result.Relations = append(result.Relations, &pluginv1.EmittedRelation{SourceRef: r.Source, Type: r.Type, TargetRef: r.Target})
		}
	}
	if err != nil {
		return &pluginv1.ProcessResult{Diagnostics: []*pluginv1.Diagnostic{rpcerror.Diagnose(err)}}
	}
	return result
}
