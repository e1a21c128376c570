package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

var catalogRules = []Rule{
	{ID: "provider.entities", Level: Must, Sentence: "What its providers hand over are valid entities, each once.", check: checkEntities},
	{ID: "provider.idempotent", Level: Must, Sentence: "A provider asked twice hands over the same.", check: checkIdempotent},
	{ID: "processor.results", Level: Must, Sentence: "A processor answers one result for each entity, in their order.", check: checkResults},
	{ID: "processor.keeps", Level: Must, Sentence: "A processor keeps members that it does not know, and integers of any size.", check: checkKeeps},
	{ID: "processor.deterministic", Level: Must, Sentence: "A processor answers the same for the same entity, alone or among others.", check: checkDeterministic},
}

const whyUpstream = "It asks an upstream, which the kit does not have; name one with --upstream."

// provided is what a provider hands over, by location key and ref.
func (b *bench) provided(ctx context.Context, p *instance, name string) (map[string][]byte, error) {
	before := len(p.egress.since(0))
	messages, err := p.refresh(ctx, name)
	if p.upstreamMissing(err, before) {
		return nil, skip(whyUpstream)
	}
	if err != nil {
		return nil, p.unexpected("A refresh of the entity provider "+name, "Answer what there is; without a connection to its source a provider fails with UNAVAILABLE.", err)
	}
	all := map[string][]byte{}
	for _, m := range messages {
		if m.GetFull() && len(m.GetRemovals()) > 0 {
			return nil, found("Set full for the whole set, or removals for a part.", "The entity provider %s removes entities from what it says is the whole set", name)
		}
		for _, document := range m.GetUpserts() {
			key, err := b.entityKey(name, document)
			if err != nil {
				return nil, err
			}
			if _, twice := all[key]; twice {
				return nil, found("Hand over each entity once.", "The entity provider %s hands over %s twice", name, strings.TrimSpace(key))
			}
			all[key] = document.GetJson()
		}
	}
	return all, nil
}

func (b *bench) entityKey(provider string, document *pluginv1.EntityDocument) (string, error) {
	v, err := decodeJSON(document.GetJson())
	object, ok := v.(map[string]any)
	if err != nil || !ok {
		return "", found("Send one JSON object for each entity.", "The entity provider %s hands over what is no JSON object: %s", provider, excerpt.Of(string(document.GetJson()), 80))
	}
	e := entity.Entity(object)
	if err := entity.CheckFields(e); err != nil {
		return "", found("Keep the catalog's rules for names, namespaces, labels and annotations.", "The entity provider %s hands over an invalid entity: %s", provider, withoutLink(err))
	}
	return document.GetLocationKey() + " " + string(e.Ref().Canonical()), nil
}

// withoutLink is the text of an error of the catalog without the address that it ends with.
func withoutLink(err error) string {
	text, _, _ := strings.Cut(err.Error(), ". To learn more")
	return text
}

func (b *bench) providers(ctx context.Context) (*instance, []string, error) {
	p, err := b.plugin(ctx)
	if err != nil {
		return nil, nil, err
	}
	names := b.described.GetProvides().GetCatalogProviders()
	if len(names) == 0 {
		return nil, nil, skip("It has no entity providers.")
	}
	return p, names, nil
}

func checkEntities(ctx context.Context, b *bench) error {
	p, names, err := b.providers(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := b.provided(ctx, p, name); err != nil {
			return err
		}
	}
	return nil
}

func checkIdempotent(ctx context.Context, b *bench) error {
	p, names, err := b.providers(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		first, err := b.provided(ctx, p, name)
		if err != nil {
			return err
		}
		second, err := b.provided(ctx, p, name)
		if err != nil {
			return err
		}
		const advice = "Leave out what changes by itself, such as times and random ids: every difference is written to the catalog and processed."
		for _, key := range sortedKeys(first) {
			again, there := second[key]
			if !there {
				return found(advice, "The entity provider %s hands over %s at first and not again", name, strings.TrimSpace(key))
			}
			if hashJSON(first[key]) != hashJSON(again) {
				return found(advice, "The entity provider %s hands over %s with other content each time", name, strings.TrimSpace(key))
			}
		}
		if len(second) > len(first) {
			return found(advice, "The entity provider %s hands over more each time", name)
		}
	}
	return nil
}

// hashJSON is the same for texts that mean the same.
func hashJSON(text []byte) [sha256.Size]byte {
	v, err := decodeJSON(text)
	if err != nil {
		return sha256.Sum256(text)
	}
	data, _ := json.Marshal(v) // members in order; numbers as they were written
	return sha256.Sum256(data)
}

// processing is one stage of one processor, with a kind that it wants to see.
type processing struct {
	processor string
	stage     pluginv1.ProcessorStage
	kind      string
}

func (b *bench) stages(ctx context.Context, p *instance) []processing {
	if len(b.described.GetProvides().GetCatalogProcessors()) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	list, err := pluginv1.NewCatalogProcessorServiceClient(p.conn).ListProcessors(ctx, &pluginv1.ListProcessorsRequest{})
	if err != nil {
		return nil // describe.services tells
	}
	var all []processing
	for _, processor := range list.GetProcessors() {
		kind := "component"
		if kinds := processor.GetKinds(); len(kinds) > 0 && !slices.Contains(kinds, kind) {
			kind = kinds[0]
		}
		for _, stage := range processor.GetStages() {
			all = append(all, processing{processor.GetName(), stage, kind})
		}
	}
	return all
}

// sampleEntity has members that no processor knows, and an integer that a float64 cannot hold.
func sampleEntity(kind string, annotations []string) []byte {
	values := map[string]any{"conformance.callboard.dev/unknown": "kept"}
	for _, key := range annotations {
		values[key] = "sample"
	}
	return mustJSON(map[string]any{
		"apiVersion": "backstage.io/v1alpha1", "kind": strings.ToUpper(kind[:1]) + kind[1:],
		"metadata":  map[string]any{"name": "conformance", "annotations": values, "labels": map[string]any{"conformance": "kept"}, "conformance": map[string]any{"big": json.Number("9007199254740993"), "text": "Grüße <&> \u2028"}},
		"spec":      map[string]any{"type": "service", "lifecycle": "experimental", "owner": "group:default/nobody", "conformance": []any{json.Number("1"), nil, map[string]any{}}},
		"relations": []any{},
	})
}

// samples are entities to process: a made one, and what the plugin's own providers hand over of that kind.
func (b *bench) samples(ctx context.Context, p *instance, kind string) [][]byte {
	all := [][]byte{sampleEntity(kind, b.target.needs().Annotations)}
	for _, name := range b.described.GetProvides().GetCatalogProviders() {
		provided, err := b.provided(ctx, p, name)
		if err != nil {
			continue
		}
		for _, key := range sortedKeys(provided) {
			var e entity.Entity
			if json.Unmarshal(provided[key], &e) == nil && strings.EqualFold(e.Kind(), kind) && len(all) < 8 {
				all = append(all, provided[key])
			}
		}
	}
	return all
}

// processed runs one stage and holds the answer to what is true of every answer.
func (b *bench) processed(ctx context.Context, p *instance, s processing, entities ...[]byte) ([]*pluginv1.ProcessResult, error) {
	before := len(p.egress.since(0))
	results, err := p.processEntities(ctx, s.processor, s.stage, entities...)
	if p.upstreamMissing(err, before) {
		return nil, skip(whyUpstream)
	}
	if err != nil {
		return nil, p.unexpected("The processor "+s.processor, "Fail a single entity with a Diagnostic in its result; a failed call stops them all.", err)
	}
	if len(results) != len(entities) {
		return nil, found("Answer one result for each item, in the same order; an empty one for an entity that stays as it is.", "The processor %s answers %d entities with %d results", s.processor, len(entities), len(results))
	}
	return results, nil
}

// forStages runs check for each stage of each processor.
func (b *bench) forStages(ctx context.Context, check func(*instance, processing) error) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	stages := b.stages(ctx, p)
	if len(stages) == 0 {
		return skip("It has no processors.")
	}
	for _, s := range stages {
		if err := check(p, s); err != nil {
			return err
		}
	}
	return nil
}

func checkResults(ctx context.Context, b *bench) error {
	return b.forStages(ctx, func(p *instance, s processing) error {
		samples := b.samples(ctx, p, s.kind)
		many := slices.Repeat(samples, 60/len(samples))
		for _, batch := range [][][]byte{nil, samples, many, {[]byte(`{}`)}} {
			results, err := b.processed(ctx, p, s, batch...)
			if err != nil {
				return err
			}
			for i, r := range results {
				if err := checkOrder(s, batch[i], r); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// checkOrder sees by the name whether a result belongs to its entity.
func checkOrder(s processing, before []byte, r *pluginv1.ProcessResult) error {
	if len(r.GetEntityJson()) == 0 {
		return nil
	}
	var was, is entity.Entity
	if err := json.Unmarshal(r.GetEntityJson(), &is); err != nil {
		return found("Answer the whole entity as a JSON object, or nothing when it stays as it is.", "The processor %s answers what is no JSON object", s.processor)
	}
	if json.Unmarshal(before, &was) == nil && was.Name() != is.Name() {
		return found("Answer results in the order of the items, and leave names alone.", "The processor %s answers the entity %s with %s", s.processor, was.Name(), is.Name())
	}
	return nil
}

func checkKeeps(ctx context.Context, b *bench) error {
	return b.forStages(ctx, func(p *instance, s processing) error {
		for _, sample := range b.samples(ctx, p, s.kind) {
			results, err := b.processed(ctx, p, s, sample)
			if err != nil {
				return err
			}
			if len(results[0].GetEntityJson()) == 0 {
				continue
			}
			before, _ := decodeJSON(sample)
			after, err := decodeJSON(results[0].GetEntityJson())
			if err != nil {
				return found("Answer the whole entity as JSON.", "The processor %s answers what is no JSON", s.processor)
			}
			if lost := lostMember(before, after, ""); lost != "" {
				return found("Change the document that came instead of building a new one, and decode numbers without making them floats.", "The processor %s drops or changes %s, which is not its own", s.processor, lost)
			}
		}
		return nil
	})
}

// lostMember is the pointer of a marked member of before that after does not have. Members of the kit are marked by name.
func lostMember(before, after any, at string) string {
	b, ok := before.(map[string]any)
	if !ok {
		return ""
	}
	a, _ := after.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if strings.Contains(key, "conformance") {
			if !reflect.DeepEqual(b[key], a[key]) {
				return at + "/" + entity.EscapePointer(key)
			}
			continue
		}
		if lost := lostMember(b[key], a[key], at+"/"+entity.EscapePointer(key)); lost != "" {
			return lost
		}
	}
	return ""
}

func checkDeterministic(ctx context.Context, b *bench) error {
	return b.forStages(ctx, func(p *instance, s processing) error {
		samples := b.samples(ctx, p, s.kind)
		together, err := b.processed(ctx, p, s, samples...)
		if err != nil {
			return err
		}
		for i, sample := range samples {
			alone, err := b.processed(ctx, p, s, sample)
			if err != nil {
				return err
			}
			if what := difference(together[i], alone[0]); what != "" {
				return found("Let results depend on the entity and on what is read, not on time, chance or what came before.", "The processor %s answers the same entity with different %s", s.processor, what)
			}
		}
		return nil
	})
}

// difference names what two results do not have in common, apart from how their JSON is written.
func difference(a, b *pluginv1.ProcessResult) string {
	switch {
	case hashJSON(a.GetEntityJson()) != hashJSON(b.GetEntityJson()):
		return "content"
	case fmt.Sprint(a.GetRelations()) != fmt.Sprint(b.GetRelations()):
		return "relations"
	case len(a.GetEmittedEntities()) != len(b.GetEmittedEntities()):
		return "emitted entities"
	case a.GetRecognized() != b.GetRecognized():
		return "opinions on whether it knows the kind"
	}
	return ""
}
