package drivertest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/sdk"
)

func subject(d driver.Driver, m *drivertest.Memory, advance func(time.Duration)) drivertest.Subject {
	return drivertest.Subject{
		Driver: d, API: "orders", Plan: "bronze", OtherPlan: "gold", Advance: advance,
		Foreign: func(_ *testing.T, app driver.AppID) driver.KeyID { return m.Foreign(app) },
	}
}

// clock is a time that tests move.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.passed.Load()))
}
func (c *clock) advance(d time.Duration) { c.passed.Add(int64(d)) }

func TestMemory_KeepsTheLawsOfDrivers(t *testing.T) {
	for name, o := range map[string]drivertest.MemoryOptions{
		"whole":       {},
		"tells again": {TellsAgain: true},
		"frugal":      {Without: []string{"suspend", "keyTTL", "rotateDual", "ownSecret", "plans", "quotaRead", "publish"}},
		"keyless":     {Without: []string{"keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, func(*testing.T) drivertest.Subject {
				c := &clock{}
				o.Now = c.now
				m := drivertest.NewMemory(o)
				s := subject(m, m, c.advance)
				s.Gateway = m
				return s
			})
		})
	}
}

func TestSlots_KeepTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(*testing.T) drivertest.Subject {
		c := &clock{}
		d := drivertest.NewSlots(drivertest.MemoryOptions{Now: c.now, Without: []string{"ownSecret"}})
		s := subject(d, d.Memory, c.advance)
		s.Gateway = d
		return s
	})
}

func TestMemory_BreaksAsItIsTold(t *testing.T) {
	m := drivertest.NewMemory(drivertest.MemoryOptions{})
	fails := func(method string) func(context.Context, drivertest.Call) error {
		return func(_ context.Context, c drivertest.Call) error {
			if c.Method == method {
				return sdk.ErrServiceUnavailable
			}
			return nil
		}
	}
	r := driver.KeyRequest{App: "app", API: "orders", Operation: "1"}
	if err := m.EnsureConsumer(t.Context(), driver.App{ID: "app"}); err != nil {
		t.Fatal(err)
	}
	m.Before = fails("IssueKey")
	if _, err := m.IssueKey(t.Context(), r); err == nil || len(m.Alive()) != 0 {
		t.Errorf("%v, %d keys", err, len(m.Alive()))
	}
	m.Before, m.After = nil, fails("IssueKey")
	if k, err := m.IssueKey(t.Context(), r); err == nil || k.Secret != "" || len(m.Alive()) != 1 {
		t.Errorf("%v, %d keys", err, len(m.Alive()))
	}
}
