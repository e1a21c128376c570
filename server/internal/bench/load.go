package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// request is one prepared request; it is sent as the same bytes again and again.
type request struct {
	name, method, path, body string
}

func (r request) bytes(host, token string) []byte {
	head := r.method + " " + r.path + " HTTP/1.1\r\nHost: " + host + "\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	if r.body != "" {
		head += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(r.body))
	}
	return []byte(head + "\r\n" + r.body)
}

// target is what a load goes to: a socket, and the CPU time of all who work behind it.
type target struct {
	network, address string
	cpu              func() time.Duration
}

func (t target) host() string {
	if t.network == "unix" {
		return "plugin"
	}
	return t.address
}

// result is what one load showed.
type result struct {
	requests  int
	took, cpu time.Duration
	p50, p99  time.Duration
	size      int // bytes of the last body
}

func (r result) perSecond() float64 { return float64(r.requests) / r.took.Seconds() }

func (r result) perCPUSecond() float64 {
	if r.cpu == 0 {
		return 0
	}
	return float64(r.requests) / r.cpu.Seconds()
}

// cost is the CPU time of one request.
func (r result) cost() time.Duration { return r.cpu / time.Duration(max(1, r.requests)) }

// load sends rq over that many connections for a while and takes the target's CPU time meanwhile.
func load(ctx context.Context, at target, rq request, token string, connections int, duration time.Duration) (result, error) {
	payload := rq.bytes(at.host(), token)
	r, err := repeat(connections, duration, at.cpu, func(deadline time.Time) ([]time.Duration, int, error) {
		return sendUntil(ctx, at, payload, rq.method, deadline)
	})
	if err != nil {
		return r, fmt.Errorf("%s: %w", rq.name, err)
	}
	return r, nil
}

// repeat has that many workers do something until the deadline; each answers how long every time took.
func repeat(workers int, duration time.Duration, cpu func() time.Duration, work func(deadline time.Time) (times []time.Duration, size int, err error)) (result, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var size int
	before, began := cpu(), time.Now()
	deadline := began.Add(duration)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			times, n, err := work(deadline)
			mu.Lock()
			defer mu.Unlock()
			all, failed, size = append(all, times...), errors.Join(failed, err), max(size, n)
		})
	}
	wg.Wait()
	if failed == nil && len(all) == 0 {
		failed = errors.New("nothing was answered in time")
	}
	if failed != nil {
		return result{}, failed
	}
	slices.Sort(all)
	return result{requests: len(all), took: time.Since(began), cpu: cpu() - before,
		p50: all[len(all)/2], p99: all[len(all)*99/100], size: size}, nil
}

func sendUntil(ctx context.Context, at target, payload []byte, method string, deadline time.Time) (times []time.Duration, size int, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, at.network, at.address)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 64<<10)
	asked := &http.Request{Method: method}
	for time.Now().Before(deadline) {
		began := time.Now()
		if _, err := conn.Write(payload); err != nil {
			return times, size, err
		}
		res, err := http.ReadResponse(reader, asked)
		if err != nil {
			return times, size, err
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil {
			return times, size, err
		}
		if res.StatusCode != http.StatusOK {
			return times, size, fmt.Errorf("status %s", res.Status)
		}
		size = int(n)
		times = append(times, time.Since(began))
	}
	return times, size, nil
}
