package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/opencost/opencostfake"
)

// service is one that is stood in for.
type service struct {
	name    string
	handler http.Handler
	// fill puts the sample data of a point in time in the place of what there was; nil = it does not age.
	fill func(now time.Time)
}

// services are all of them, filled, in the order of their ports.
func services(now func() time.Time) []service {
	list := append([]service{sentry(now), sonarqube(now), newBills(now).service(), {name: "opencost", handler: opencostfake.New(now)}}, kong(now)...)
	refill(list, now())
	return list
}

func refill(list []service, now time.Time) {
	for _, s := range list {
		if s.fill != nil {
			s.fill(now)
		}
	}
}

// keepYoung fills the services again and again, because people leave a sample portal running, and look for the errors of
// the last day in it. It returns when ctx ends.
func keepYoung(ctx context.Context, list []service, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			refill(list, now)
		}
	}
}

// listening is a service that can be reached.
type listening struct {
	name     string
	listener net.Listener
	server   *http.Server
}

func (l listening) url() string { return "http://" + l.listener.Addr().String() }

type reachable []listening

// listen makes services reachable, all or none: on ports that follow each other, or on any free ones if the first is 0.
func listen(services []service, port int) (reachable, error) {
	var list reachable
	for i, s := range services {
		at := port
		if port > 0 {
			at += i
		}
		var config net.ListenConfig
		listener, err := config.Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", at))
		if err != nil {
			list.close()
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(listener) }() // it ends when it is closed
		list = append(list, listening{s.name, listener, server})
	}
	return list, nil
}

func (list reachable) close() {
	for _, l := range list {
		l.server.Close()
		l.listener.Close() // the server may not have come to take it yet
	}
}

// environment tells a command where the services are.
func (list reachable) environment() []string {
	var e []string
	for _, l := range list {
		e = append(e, "FAKE_"+strings.ToUpper(strings.ReplaceAll(l.name, "-", "_"))+"_URL="+l.url())
	}
	return e
}
