package caps

import (
	"container/list"
	"crypto/sha256"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// answerID is the hash of everything that an answer depends on, as far as the host knows.
type answerID [sha256.Size]byte

// lastAnswers remembers what a plugin answered last, for the time when it is away. It holds as many answers as fit into a
// number of bytes; the ones that were not used for longest go first.
type lastAnswers struct {
	limit int

	mu    sync.Mutex
	size  int
	byID  map[answerID]*list.Element
	order *list.List // of *lastAnswer, the latest first
}

type lastAnswer struct {
	id     answerID
	answer []byte // encoded: smaller, and nobody can change it
}

// answerOverhead is what an answer costs beside its bytes, roughly.
const answerOverhead = 160

func newLastAnswers(limit int) *lastAnswers {
	return &lastAnswers{limit: limit, byID: map[answerID]*list.Element{}, order: list.New()}
}

func (l *lastAnswers) keep(id answerID, r *pluginv1.ProcessResult) {
	data, err := proto.Marshal(r)
	if err != nil || len(data)+answerOverhead > l.limit {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.byID[id]; e != nil {
		l.drop(e)
	}
	l.byID[id] = l.order.PushFront(&lastAnswer{id, data})
	l.size += len(data) + answerOverhead
	for l.size > l.limit {
		l.drop(l.order.Back())
	}
}

func (l *lastAnswers) drop(e *list.Element) {
	a, _ := l.order.Remove(e).(*lastAnswer)
	delete(l.byID, a.id)
	l.size -= len(a.answer) + answerOverhead
}

// of is the last answer for id, nil = none is remembered.
func (l *lastAnswers) of(id answerID) *pluginv1.ProcessResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byID[id]
	if e == nil {
		return nil
	}
	l.order.MoveToFront(e)
	a, _ := e.Value.(*lastAnswer)
	r := &pluginv1.ProcessResult{}
	if proto.Unmarshal(a.answer, r) != nil {
		return nil
	}
	return r
}
