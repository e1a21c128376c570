package caps

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/pluginv1"
)

type callOption = grpc.CallOption

// batcher collects items that are asked for at the same time and makes one call of them. The goroutine that opens a batch
// makes the call and hands out the results; nobody else works for it. It calls at once when no call is under way; else it
// collects until one has ended, for a moment at most: so a lone item waits for nobody, and many share few calls.
type batcher struct {
	call func(ctx context.Context, items []*pluginv1.ProcessItem) []verdict

	mu       sync.Mutex
	open     *batch        // takes more items; nil = the next item opens one
	most     int           // items of a batch at present; 0 = batchItems
	underWay int           // calls
	ended    chan struct{} // closed when the next of them ends; nil = nobody waits for that
}

// learn adapts the size of batches to how long the plugin takes: one that ran into its deadline is halved for the next
// time, and batches grow again while they take less than a quarter of it. Else a plugin that needs long for each entity
// would never answer at all.
func (b *batcher) learn(items int, took, deadline time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := b.size()
	switch {
	case took >= deadline:
		b.most = max(1, min(most, items/2))
	case took < deadline/4 && items >= most:
		b.most = min(2*most, batchItems)
	}
}

func (b *batcher) size() int {
	if b.most == 0 {
		return batchItems
	}
	return b.most
}

// verdict is what became of one item; exactly one of the fields is set.
type verdict struct {
	result *pluginv1.ProcessResult
	err    error
}

// batch is one call in the making. It lives on while anybody waits for it.
type batch struct {
	items    []*pluginv1.ProcessItem
	bytes    int
	full     chan struct{} // closed when it takes no more items
	done     chan struct{} // closed when verdicts are set
	verdicts []verdict
	waiting  atomic.Int32
	cancel   context.CancelFunc
}

// ask returns the result for one item.
func (b *batcher) ask(ctx context.Context, item *pluginv1.ProcessItem) (*pluginv1.ProcessResult, error) {
	mine, at, opened := b.enter(ctx, item)
	defer context.AfterFunc(ctx, mine.leave)()
	if opened != nil {
		b.run(opened, mine)
	}
	select {
	case <-mine.done:
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil { // whoever opened the batch may have given up while it made the call
		return nil, err
	}
	if at >= len(mine.verdicts) {
		return nil, errors.New("the call broke off")
	}
	return mine.verdicts[at].result, mine.verdicts[at].err
}

// enter puts an item into the open batch, or opens one; then the caller has to run it with the returned context.
func (b *batcher) enter(ctx context.Context, item *pluginv1.ProcessItem) (mine *batch, at int, opened context.Context) {
	size := len(item.GetEntityJson()) + len(item.GetLocation()) + len(item.GetOriginLocation())
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil && b.open.bytes+size > batchBytes {
		close(b.open.full)
		b.open = nil
	}
	if b.open == nil {
		b.open = &batch{full: make(chan struct{}), done: make(chan struct{})}
		opened, b.open.cancel = context.WithCancel(context.WithoutCancel(ctx))
	}
	mine, at = b.open, len(b.open.items)
	mine.items = append(mine.items, item)
	mine.bytes += size
	mine.waiting.Add(1)
	if len(mine.items) >= b.size() || mine.bytes >= batchBytes {
		close(mine.full)
		b.open = nil
	}
	return mine, at, opened
}

// run waits for more items and makes the call.
func (b *batcher) run(ctx context.Context, mine *batch) {
	defer close(mine.done) // also when the call panics
	defer mine.cancel()
	b.collect(mine)
	b.mu.Lock()
	if b.open == mine {
		b.open = nil
	}
	b.underWay++
	b.mu.Unlock()
	defer b.end()
	mine.verdicts = b.call(ctx, mine.items)
}

// collect waits until the batch should go.
func (b *batcher) collect(mine *batch) {
	runtime.Gosched() // those who ask at this very moment
	b.mu.Lock()
	if b.underWay == 0 {
		b.mu.Unlock()
		return
	}
	if b.ended == nil {
		b.ended = make(chan struct{})
	}
	ended := b.ended
	b.mu.Unlock()
	timer := time.NewTimer(batchWait)
	defer timer.Stop()
	select {
	case <-mine.full:
	case <-ended:
	case <-timer.C:
	}
}

// end lets the batch go that waits for a call to end.
func (b *batcher) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.underWay--
	if b.ended != nil {
		close(b.ended)
		b.ended = nil
	}
}

// leave is called when one of those who wait gives up; the last one ends the call.
func (m *batch) leave() {
	if m.waiting.Add(-1) == 0 {
		m.cancel()
	}
}
