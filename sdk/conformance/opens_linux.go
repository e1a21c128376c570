package conformance

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// openWatch hears from the kernel when a file in one of its places is opened. It does not hear by whom.
type openWatch struct {
	mu     sync.Mutex
	fd     int
	places map[int32]string
}

// watchOpens never fails: what cannot be watched is not.
func watchOpens(places []string) *openWatch {
	w := &openWatch{places: map[int32]string{}}
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		w.fd = -1
		return w
	}
	w.fd = fd
	for _, place := range places {
		if id, err := syscall.InotifyAddWatch(fd, place, syscall.IN_OPEN|syscall.IN_CREATE|syscall.IN_MODIFY); err == nil {
			w.places[int32(id)] = place
		}
	}
	return w
}

// take is what was opened since the last time.
func (w *openWatch) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var opened []string
	buffer := make([]byte, 64<<10)
	for w.fd >= 0 {
		n, err := syscall.Read(w.fd, buffer)
		if err != nil || n < syscall.SizeofInotifyEvent {
			break
		}
		for at := 0; at+syscall.SizeofInotifyEvent <= n; {
			event := (*syscall.InotifyEvent)(unsafe.Pointer(&buffer[at])) //nolint:gosec // as the kernel writes them; the loop sees to the bounds
			name := buffer[at+syscall.SizeofInotifyEvent : at+syscall.SizeofInotifyEvent+int(event.Len)]
			path := filepath.Join(w.places[event.Wd], strings.TrimRight(string(name), "\x00"))
			if event.Mask&syscall.IN_ISDIR == 0 && !slices.Contains(opened, path) && len(opened) < 50 {
				opened = append(opened, path)
			}
			at += syscall.SizeofInotifyEvent + int(event.Len)
		}
	}
	return opened
}

func (w *openWatch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 {
		_ = syscall.Close(w.fd)
		w.fd = -1
	}
}
