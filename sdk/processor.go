package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Processor registers a function that changes every entity before the catalog validates it, for example to add
// annotations. The entity is the function's own: change it and return it. Members that it does not know must stay. An
// error fails that entity only.
//
// Entities are processed again and again, and in any order, so the result must depend on the entity and on what is read.
func (p *Plugin) Processor(name string, change func(context.Context, Entity) (Entity, error)) {
	if change == nil {
		misusef("Processor %q: the function is nil", name)
	}
	p.StagedProcessor(Stages{Name: name, PreProcess: func(ctx context.Context, _ *Processing, e Entity) (Entity, error) {
		return change(ctx, e)
	}})
}

// Stages is a processor in full. Each stage is optional.
type Stages struct {
	Name string
	// Kinds that the processor wants to see, such as "component"; none = all.
	Kinds []string
	// PreProcess changes an entity before it is validated.
	PreProcess func(context.Context, *Processing, Entity) (Entity, error)
	// Validate answers true for a valid entity of a kind that is this processor's own, false for other kinds, and an
	// error for one of its kinds that is wrong.
	Validate func(context.Context, Entity) (bool, error)
	// PostProcess sees the valid entity, to emit relations and further entities.
	PostProcess func(context.Context, *Processing, Entity) (Entity, error)
}

// StagedProcessor registers a processor with more stages than [Plugin.Processor] has.
func (p *Plugin) StagedProcessor(s Stages) {
	if s.PreProcess == nil && s.Validate == nil && s.PostProcess == nil {
		misusef("StagedProcessor %q has no stage", s.Name)
	}
	kinds := make([]string, len(s.Kinds))
	for i, k := range s.Kinds {
		kinds[i] = strings.ToLower(k)
	}
	s.Kinds = kinds
	p.processors.add(p, "processor", s.Name, s)
}

// Processing is what a stage may say beside its result. It is used by one goroutine.
type Processing struct {
	// Location is where the entity was read ("url:https://…"), Origin the root that led there.
	Location, Origin string

	result *pluginv1.ProcessResult
	err    error
}

// Emit adds an entity that exists because of this one, and goes when this one no longer emits it.
func (p *Processing) Emit(e Entity) {
	data, err := encodeEntity(e)
	if err != nil {
		p.err = errors.Join(p.err, err)
		return
	}
	p.result.EmittedEntities = append(p.result.EmittedEntities, &pluginv1.EntityDocument{Json: data})
}

// Relate adds a relation from source to target, "component:default/shop" both. It is one direction: relate the other way,
// with the opposite type, as well.
func (p *Processing) Relate(source, relation, target string) {
	p.result.Relations = append(p.result.Relations, &pluginv1.EmittedRelation{SourceRef: source, Type: relation, TargetRef: target})
}

// RefreshOn has the entity processed again when something refreshes that key, such as "url:https://…".
func (p *Processing) RefreshOn(key string) { p.result.RefreshKeys = append(p.result.RefreshKeys, key) }

// Warn shows a remark on the entity, without failing it.
func (p *Processing) Warn(summary string) {
	p.result.Diagnostics = append(p.result.Diagnostics,
		&pluginv1.Diagnostic{Severity: pluginv1.Diagnostic_SEVERITY_WARNING, Summary: summary})
}

type processorServer struct {
	pluginv1.UnimplementedCatalogProcessorServiceServer

	p *Plugin
}

func (s processorServer) ListProcessors(context.Context, *pluginv1.ListProcessorsRequest) (*pluginv1.ListProcessorsResponse, error) {
	out := &pluginv1.ListProcessorsResponse{}
	for _, name := range s.p.processors.names {
		stages := s.p.processors.byName[name]
		listed := &pluginv1.CatalogProcessor{Name: name, Kinds: stages.Kinds}
		if stages.PreProcess != nil {
			listed.Stages = append(listed.Stages, pluginv1.ProcessorStage_PROCESSOR_STAGE_PRE_PROCESS)
		}
		if stages.Validate != nil {
			listed.Stages = append(listed.Stages, pluginv1.ProcessorStage_PROCESSOR_STAGE_VALIDATE)
		}
		if stages.PostProcess != nil {
			listed.Stages = append(listed.Stages, pluginv1.ProcessorStage_PROCESSOR_STAGE_POST_PROCESS)
		}
		out.Processors = append(out.Processors, listed)
	}
	return out, nil
}

// atOnce is how many entities of one batch are processed side by side: enough to hide the latency of a remote read.
const atOnce = 8

func (s processorServer) ProcessEntities(ctx context.Context, req *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error) {
	stages, err := s.p.processors.get("processor", req.GetProcessor())
	if err != nil {
		return nil, err
	}
	stage, err := stages.stage(req.GetStage())
	if err != nil {
		return nil, err
	}
	results := make([]*pluginv1.ProcessResult, len(req.GetItems()))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, item := range req.GetItems() {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = s.process(ctx, stage, item)
		})
	}
	wg.Wait()
	return &pluginv1.ProcessEntitiesResponse{Results: results}, nil
}

type stage func(context.Context, *Processing, Entity) (Entity, error)

func (s Stages) stage(which pluginv1.ProcessorStage) (stage, error) {
	var run stage
	switch which {
	case pluginv1.ProcessorStage_PROCESSOR_STAGE_PRE_PROCESS:
		run = s.PreProcess
	case pluginv1.ProcessorStage_PROCESSOR_STAGE_POST_PROCESS:
		run = s.PostProcess
	case pluginv1.ProcessorStage_PROCESSOR_STAGE_VALIDATE:
		if s.Validate != nil {
			run = func(ctx context.Context, p *Processing, e Entity) (Entity, error) {
				ok, err := s.Validate(ctx, e)
				p.result.Recognized = ok
				return e, err
			}
		}
	}
	if run == nil {
		return nil, fmt.Errorf("processor %s has no stage %s: %w", s.Name, which, ErrNotImplemented)
	}
	return run, nil
}

// process runs one stage for one entity. Whatever goes wrong, a panic included, is that entity's own failure.
func (s processorServer) process(ctx context.Context, run stage, item *pluginv1.ProcessItem) *pluginv1.ProcessResult {
	p := &Processing{Location: item.GetLocation(), Origin: item.GetOriginLocation(), result: &pluginv1.ProcessResult{}}
	err := s.p.guard(ctx, "processor", func() error { return p.run(ctx, run, item.GetEntityJson()) })
	if err = errors.Join(err, p.err); err != nil {
		found := append(p.result.GetDiagnostics(), rpcerror.Diagnose(err))
		return &pluginv1.ProcessResult{Recognized: p.result.GetRecognized(), Diagnostics: s.p.secrets.diagnostics(found)}
	}
	s.p.secrets.diagnostics(p.result.GetDiagnostics())
	return p.result
}

func (p *Processing) run(ctx context.Context, run stage, data []byte) error {
	e, err := decodeEntity(data)
	if err != nil {
		return err
	}
	before, err := json.Marshal(e)
	if err != nil {
		return err
	}
	after, err := run(ctx, p, e)
	if err != nil {
		return err
	}
	if after == nil {
		return errors.New("the processor returned no entity; return the one it was given when nothing changes")
	}
	changed, err := encodeEntity(after)
	if err == nil && !bytes.Equal(changed, before) {
		p.result.EntityJson = changed
	}
	return err
}

// decodeEntity keeps numbers as they are written.
func decodeEntity(data []byte) (Entity, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var e Entity
	if err := dec.Decode(&e); err != nil {
		return nil, fmt.Errorf("entity is no JSON object: %w", err)
	}
	return e, nil
}

var _ pluginv1.CatalogProcessorServiceServer = processorServer{}
