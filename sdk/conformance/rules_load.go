package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

var loadRules = []Rule{
	{ID: "load.parallel", Level: Must, Sentence: "It answers 200 calls at a time.", check: checkParallel},
}

func checkParallel(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	cases, err := b.cases()
	if err != nil {
		return err
	}
	calls := b.plainCalls(cases.good)
	open := b.described.GetProvides().GetHttpUnauthenticated()
	var group sync.WaitGroup
	failures := make(chan error, b.target.Parallel)
	for i := range b.target.Parallel {
		group.Go(func() {
			if len(open) > 0 && i%4 == 0 {
				r := Route{Path: open[i/4%len(open)]}
				if a, err := p.request(ctx, r, nil); err != nil {
					failures <- p.unreachable(r, err)
				} else if a.status >= 500 {
					failures <- found("Answer as if it were the only request.", "%s answers %d when there are many requests", r.Path, a.status)
				}
				return
			}
			call := calls[i%len(calls)]
			if _, err := p.invoke(ctx, call.method, call.request); err != nil {
				failures <- p.unexpected(fmt.Sprintf("One of %d calls at a time", b.target.Parallel),
					"Serve calls side by side; a lock held over a call, or one thread for all, makes them wait.", err)
			}
		})
	}
	group.Wait()
	close(failures)
	return <-failures // nil when there are none
}

// What is looked at in the end, over all processes of the run.
var tallyRules = []Rule{
	{ID: "wire.message-size", Level: Must, Sentence: "No message that it sends is longer than 256 KiB.", check: checkMessageSize},
	{ID: "host.token", Level: Must, Sentence: "Its calls to the host carry the token of its start.", check: func(ctx context.Context, b *bench) error {
		sum, err := b.sumUp(ctx)
		if err == nil && len(sum.noToken) > 0 {
			return found("Send host_token of Configure as metadata callboard-token with every call.", "It calls %s without the token", sum.noToken[0])
		}
		return err
	}},
	{ID: "host.needs", Level: Must, Sentence: "It asks the host only for what its manifest needs.", check: func(ctx context.Context, b *bench) error {
		sum, err := b.sumUp(ctx)
		if err == nil && b.target.Manifest == nil {
			return skip("There is no manifest to compare with.")
		}
		if err == nil && len(sum.beyond) > 0 {
			return found("Add the need to plugin.yaml, where operators approve it.", "It calls %s in its manifest", sum.beyond[0])
		}
		return err
	}},
	{ID: "egress.list", Level: Must, Sentence: "It asks the world only where its manifest says.", check: func(ctx context.Context, b *bench) error {
		sum, err := b.sumUp(ctx)
		if err == nil && b.target.Manifest == nil {
			return skip("There is no manifest to compare with.")
		}
		if err == nil && len(sum.egress) > 0 {
			return found("Add the destination to needs.egress of plugin.yaml, or do not ask it.", "It asks %s, which its manifest does not name", sum.egress[0])
		}
		return err
	}},
	{ID: "secret.logs", Level: Must, Sentence: "Secrets of its settings never stand in its logs.", check: sighted(secretCanary, true, "Log no settings and no errors that repeat them; the SDKs leave out secrets that a schema marks with x-secret.", "A secret of its settings stands in %s")},
	{ID: "secret.answers", Level: Must, Sentence: "Secrets of its settings never stand in what it answers.", check: sighted(secretCanary, false, "Answer no settings, and no errors that repeat them.", "A secret of its settings stands in %s")},
	{ID: "confine.environment", Level: Must, Sentence: "It does not look at the environment of other processes.", check: confined(environmentCanary, "Read the variables of your own process, and settings for everything else.", "The environment of another process stands in %s")},
	{ID: "confine.reads", Level: Must, Sentence: "It reads no files but its own and the system's.", check: checkReads},
	{ID: "confine.writes", Level: Must, Sentence: "It writes files in its data folder only.", check: checkWrites},
	{ID: "confine.refused", Level: Should, Sentence: "The sandbox does not have to refuse anything.", check: checkRefused},
	{ID: "limit.memory", Level: Must, Sentence: "It stays within its memory limit.", check: func(ctx context.Context, b *bench) error {
		sum, err := b.sumUp(ctx)
		if err == nil && sum.memory == 0 {
			return skip("The kit cannot see the memory of processes here.")
		}
		if limit := b.target.needs().memory(); sum.memory > limit {
			return found("Use less, or ask for more with needs.limits.memory in plugin.yaml.", "It used more than its memory limit of %s", size(limit))
		}
		return err
	}},
	{ID: "limit.processes", Level: Must, Sentence: "It stays within its limit of processes.", check: func(ctx context.Context, b *bench) error {
		sum, err := b.sumUp(ctx)
		if limit := b.target.needs().processes(); sum.processes > limit {
			return found("Start fewer, or ask for more with needs.limits.processes in plugin.yaml.", "It ran more processes than its limit of %d", limit)
		}
		return err
	}},
	{ID: "logs.flood", Level: Must, Sentence: "It does not flood its log.", check: func(ctx context.Context, b *bench) error {
		sum, err := b.sumUp(ctx)
		if sum.most > mostLines || sum.mostBytes > mostLogged {
			return found("Log what people will read; count the rest in metrics.", "It wrote more than %d lines or %s in a second to its log, of which the host would drop the most", mostLines, size(mostLogged))
		}
		return err
	}},
	{ID: "logs.form", Level: Should, Sentence: "Its log is made of JSON lines with @level and @message.", check: func(ctx context.Context, b *bench) error {
		sum, err := b.sumUp(ctx)
		switch {
		case err != nil:
			return err
		case sum.lines == 0:
			return skip("It logged nothing.")
		case sum.shaped*2 < sum.lines:
			return found(`Write {"@level":"info","@message":"…","@timestamp":"…"}; other lines are taken as text of level info.`, "Most lines of its log are plain text")
		}
		return nil
	}},
	{ID: "logs.stdout", Level: Should, Sentence: "It prints nothing on standard output after the handshake.", check: func(ctx context.Context, b *bench) error {
		sum, err := b.sumUp(ctx)
		if err == nil && sum.stdout != "" {
			return found("Log to standard error.", "It printed %q on standard output", excerpt.Of(sum.stdout, 100))
		}
		return err
	}},
}

const (
	mostLines  = 1000 // of which the host takes no more
	mostLogged = 4 << 20
)

func checkMessageSize(ctx context.Context, b *bench) error {
	if err := b.exercise(ctx); err != nil {
		return err
	}
	if method, length := b.recorder.tooLong(); method != "" {
		return found("Split lists into several messages of a stream, and frames into several with the same name.", "A message of %s has %d KiB", method, length>>10)
	}
	if p := b.shared; p != nil {
		if err := b.tooLongForGRPC(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// tooLongForGRPC looks for answers that gRPC itself refuses: nothing of them arrives that could be measured.
func (b *bench) tooLongForGRPC(ctx context.Context, p *instance) error {
	calls := map[string]func() error{}
	for _, w := range p.widgets(ctx) {
		calls["WidgetsService/QueryWidget"] = func() error { _, err := p.query(ctx, widgetQuery(w)); return err }
	}
	for _, name := range b.described.GetProvides().GetCatalogProviders() {
		calls["CatalogProviderService/RefreshProvider"] = func() error { _, err := p.refresh(ctx, name); return err }
	}
	calls["PluginService/CollectMetrics"] = func() error {
		_, err := p.plugin.CollectMetrics(ctx, &pluginv1.CollectMetricsRequest{})
		return err
	}
	for _, method := range sortedKeys(calls) {
		if err := calls[method](); err != nil && strings.Contains(err.Error(), "larger than max") {
			return found("Split lists into several messages of a stream, and frames into several with the same name.", "A message of %s has more than 4 MiB, which gRPC refuses", method)
		}
	}
	return nil
}

// sighted makes a rule about canaries: in the log, or anywhere else.
func sighted(kind canaryKind, inLogs bool, advice, saw string) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		if _, err := b.sumUp(ctx); err != nil {
			return err
		}
		for _, where := range b.canaries.sightings(kind) {
			if strings.HasPrefix(where, "what it writes") == inLogs {
				return found(advice, saw, where)
			}
		}
		if len(b.settings.secrets) == 0 && kind == secretCanary {
			return skip("Its settings have no secrets.")
		}
		return nil
	}
}

func confined(kind canaryKind, advice, saw string) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		if _, err := b.sumUp(ctx); err != nil {
			return err
		}
		if where := b.canaries.sightings(kind); len(where) > 0 {
			return found(advice, saw, where[0])
		}
		return nil
	}
}

const readAdvice = "Read your own folder and CALLBOARD_DATA_DIR; the host's sandbox refuses the rest."

func checkReads(ctx context.Context, b *bench) error {
	if err := confined(fileCanary, readAdvice, "A file of another plugin stands in %s")(ctx, b); err != nil {
		return err
	}
	opened := b.lures.opened.take()
	if i := slices.IndexFunc(opened, func(path string) bool { return strings.HasPrefix(path, b.lures.neighbour) }); i >= 0 {
		return found(readAdvice, "It opened a file in the folder of another plugin")
	}
	if len(opened) == 0 {
		return nil
	}
	// Somebody else may have opened them: it counts if it happens again with a fresh process.
	p, err := b.another(ctx)
	if err != nil {
		return err
	}
	p.end()
	for _, path := range b.lures.opened.take() {
		if slices.Contains(opened, path) {
			return found(readAdvice, "%s was opened each time it was started", path)
		}
	}
	return nil
}

func checkWrites(ctx context.Context, b *bench) error {
	if _, err := b.sumUp(ctx); err != nil {
		return err
	}
	const advice = "Write in CALLBOARD_DATA_DIR, which is also HOME and TMPDIR; an installed plugin's own folder is read-only."
	if changed := b.before.changes(takeSnapshot(b.target.Dir), b.target.Dir); len(changed) > 0 {
		return found(advice, "It changed %s in the folder of its code", changed[0])
	}
	if changed := takeSnapshot(b.lures.neighbour); len(changed) != 1 {
		return found(advice, "It wrote in the folder of another plugin")
	}
	return nil
}

func checkRefused(ctx context.Context, b *bench) error {
	sum, err := b.sumUp(ctx)
	switch {
	case err != nil:
		return err
	case b.enclosure() == Local{}.Enclosure():
		return skip("There is no sandbox.")
	case sum.refused != "":
		return found("Leave out what a plugin may not do; PROTOCOL.md lists what it may.", "It was refused something: %s", excerpt.Of(sum.refused, 200))
	}
	return nil
}
