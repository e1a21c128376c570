package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
)

const (
	keptLines   = 40
	keptLine    = 400       // bytes of a line that are kept
	longestLine = 256 << 10 // what is longer counts as several
)

// logs reads what a plugin writes on one of its streams, for as long as it writes, and keeps the end of it.
type logs struct {
	stream   string
	canaries *canaries
	done     chan struct{}

	mu                   sync.Mutex
	last                 []string
	fault                string // the line that names a crash, if there is one
	lines, bytes, shaped int
	second               time.Time // when the present second began, and what came in it
	inSecond, most       int
	mostBytes, bytesNow  int
}

func readLogs(stream string, r *os.File, c *canaries) *logs {
	l := &logs{stream: stream, canaries: c, done: make(chan struct{})}
	go l.run(r)
	return l
}

func (l *logs) run(r *os.File) {
	defer close(l.done)
	in := bufio.NewReaderSize(r, longestLine)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			l.take(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// end waits for the end of the stream, but not for long: a process that escaped may hold it.
func (l *logs) end(f *os.File) {
	defer f.Close()
	if l == nil {
		return
	}
	select {
	case <-l.done:
	case <-time.After(time.Second):
		hangUp(f)
		<-l.done
	}
}

func (l *logs) take(line []byte) {
	l.canaries.look("what it writes on "+l.stream, line)
	var record struct {
		Level   string `json:"@level"`
		Message string `json:"@message"`
	}
	shaped := json.Unmarshal(line, &record) == nil && record.Level != "" && record.Message != ""
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.second) >= time.Second {
		l.second, l.inSecond, l.bytesNow = now, 0, 0
	}
	l.inSecond++
	l.bytesNow += len(line)
	l.most, l.mostBytes = max(l.most, l.inSecond), max(l.mostBytes, l.bytesNow)
	l.lines++
	l.bytes += len(line)
	if shaped {
		l.shaped++
	}
	kept := strings.TrimSpace(string(line[:min(len(line), keptLine)]))
	if shaped {
		kept = record.Level + ": " + record.Message
	}
	if faultForm.MatchString(kept) {
		l.fault = kept
	}
	if l.last = append(l.last, kept); len(l.last) > keptLines {
		l.last = slices.Delete(l.last, 0, 1)
	}
}

// tail is the end of a sentence: what the process said last, or of its crash.
func (l *logs) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	words := l.fault
	for _, line := range slices.Backward(l.last) {
		if words == "" {
			words = line
		}
	}
	if words == "" {
		return ""
	}
	return "; its last words were: " + excerpt.Of(words, 200)
}

// find is the first kept line that holds one of the words.
func (l *logs) find(words ...string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.last {
		for _, word := range words {
			if strings.Contains(strings.ToLower(line), word) {
				return line
			}
		}
	}
	return ""
}

// firstLine reads up to a line feed, at most 4 KiB, and leaves the rest to be read by whoever comes next.
func firstLine(r io.Reader) (string, error) {
	var line bytes.Buffer
	one := make([]byte, 1)
	for line.Len() < 4<<10 {
		if _, err := r.Read(one); err != nil {
			return line.String(), err
		}
		if one[0] == '\n' {
			return line.String(), nil
		}
		line.WriteByte(one[0])
	}
	return line.String(), nil
}
