package conformance

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/callboard/callboard/sdk/pluginv1"
)

var stopRules = []Rule{
	{ID: "stop.drain", Level: Must, Sentence: "Drain returns at once when nothing runs, and the plugin still answers.", check: checkDrain, timed: true},
	{ID: "stop.shutdown", Level: Must, Sentence: "Shutdown ends it within 2 s.", check: checkShutdown, timed: true},
	{ID: "stop.sigterm", Level: Must, Sentence: "SIGTERM ends it within 5 s, with exit status 0.", check: checkTerminate, timed: true},
	{ID: "stop.host-death", Level: Must, Sentence: "It ends within 5 s when the host is gone.", check: checkHostDeath, timed: true},
	{ID: "stop.children", Level: Must, Sentence: "Nothing that it started outlives it.", check: checkChildren, timed: true},
	{ID: "restart.clean", Level: Must, Sentence: "Started again and again, it leaves no files and no processes.", check: checkRestarts},
}

func checkDrain(ctx context.Context, b *bench) error {
	p, err := b.another(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	ctx, cancel := context.WithTimeout(ctx, shutdownTime+slack)
	defer cancel()
	if _, err := p.plugin.Drain(ctx, &pluginv1.DrainRequest{Grace: durationpb.New(30 * time.Second)}); err != nil {
		return p.unexpected("Drain with nothing to wait for", "Return when what runs is done.", err)
	}
	if _, err := p.plugin.Describe(ctx, &pluginv1.DescribeRequest{}); err != nil {
		return p.unexpected("Describe after Drain", "Answer calls until Shutdown: some may be on their way.", err)
	}
	return nil
}

// shutdown asks the process to end, and says what is wrong if it does not.
func (p *instance) shutdown(ctx context.Context) error {
	p.expected = true
	ctx, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	err := p.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	if code := status.Code(err); code == codes.Unimplemented || code == codes.DeadlineExceeded {
		return found("Serve plugin.GRPCController: Shutdown takes and answers an empty message, and the process exits.", "Shutdown is answered with %s", code)
	}
	if !p.endsWithin(shutdownTime + slack) {
		return found("Exit after Shutdown is answered, whatever still runs.", "It still runs %s after Shutdown", shutdownTime)
	}
	return nil
}

func checkShutdown(ctx context.Context, b *bench) error {
	p, err := b.another(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	return p.shutdown(ctx)
}

func checkTerminate(ctx context.Context, b *bench) error {
	p, err := b.another(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	p.expected = true
	if err := p.process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("send SIGTERM: %w", err)
	}
	const advice = "Handle SIGTERM: stop serving and exit with 0."
	if !p.endsWithin(orphanTime + slack) {
		return found(advice, "It still runs %s after SIGTERM", orphanTime)
	}
	if exit := p.process.Exit(); exit != "" {
		return found(advice, "After SIGTERM it ends with %s", exit)
	}
	return nil
}

func checkHostDeath(ctx context.Context, b *bench) error {
	p, err := b.another(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	p.expected = true
	p.conn.Close()
	p.web.CloseIdleConnections()
	// A plugin may know the host's end by its connection only, so it gets the time to make one.
	if waitFor(ctx, shutdownTime, p.host.listener.used) {
		time.Sleep(slack)
	}
	p.host.close()
	p.egress.close()
	if !p.endsWithin(orphanTime + slack) {
		return found("Hold a connection to host.sock; when it ends and a new one is refused, exit.", "It still runs %s after the host has gone", orphanTime)
	}
	return nil
}

func checkChildren(ctx context.Context, b *bench) error {
	if startOf(os.Getpid()) == "" {
		return skip("The kit cannot see other processes here.")
	}
	p, err := b.another(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	b.giveUp(ctx, p)
	p.watch.sample()
	if err := p.shutdown(ctx); err != nil {
		return skipf("%v", err)
	}
	var left []int
	gone := waitFor(ctx, slack, func() bool {
		left = append(p.watch.left(), startedIn(p.runtime)...)
		return len(left) == 0
	})
	if !gone {
		return found("End what you start before you exit.", "After Shutdown a process that it started is still there")
	}
	return nil
}

// sockets is what may lie in a runtime folder.
var sockets = []string{"rpc.sock", "http.sock", "host.sock", "egress.sock"}

func checkRestarts(ctx context.Context, b *bench) error {
	if _, err := b.plugin(ctx); err != nil {
		return err
	}
	for i := range b.target.Restarts {
		p, err := b.another(ctx)
		if err != nil {
			return fmt.Errorf("start %d: %w", i+1, err)
		}
		err = p.endSomehow(ctx, i)
		files := filesIn(p.runtime)
		p.end()
		if err != nil {
			return err
		}
		files = slices.DeleteFunc(files, func(name string) bool { return slices.Contains(sockets, name) })
		if len(files) > 0 {
			return found("Keep files in CALLBOARD_DATA_DIR; the runtime folder is for sockets.", "It leaves %s in the runtime folder", files[0])
		}
	}
	return nil
}

// endSomehow takes turns between the ways in which a process ends.
func (p *instance) endSomehow(ctx context.Context, turn int) error {
	p.expected = true
	switch turn % 3 {
	case 0:
		return p.shutdown(ctx)
	case 1:
		_ = p.process.Signal(syscall.SIGTERM) // stop.sigterm judges
		p.endsWithin(orphanTime)
	default:
		p.process.Kill()
	}
	return nil
}

func filesIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".nfs") {
			names = append(names, e.Name())
		}
	}
	return names
}
