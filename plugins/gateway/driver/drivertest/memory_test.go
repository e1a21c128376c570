package drivertest_test

import (
	"context"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

// epoch is when tests begin.
var epoch = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func subject(d driver.Driver, m *drivertest.Memory, advance func(time.Duration)) drivertest.Subject {
	return drivertest.Subject{
		Driver: d, API: "orders", Plan: "bronze", OtherPlan: "gold", Advance: advance,
		Foreign: func(_ *testing.T, app driver.AppID) driver.KeyID { return m.Foreign(app) },
	}
}

func TestMemory_KeepsTheLawsOfDrivers(t *testing.T) {
	for name, o := range map[string]drivertest.MemoryOptions{
		"whole":       {},
		"tells again": {TellsAgain: true},
		"frugal":      {Without: []string{"suspend", "keyTTL", "rotateDual", "ownSecret", "plans", "quotaRead", "publish"}},
		"keyless":     {Without: []string{"keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, func(*testing.T) drivertest.Subject {
				c := plugintest.NewClock(epoch)
				o.Now = c.Now
				m := drivertest.NewMemory(o)
				s := subject(m, m, c.Advance)
				s.Gateway = m
				return s
			})
		})
	}
}

func TestSlots_KeepTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(*testing.T) drivertest.Subject {
		c := plugintest.NewClock(epoch)
		d := drivertest.NewSlots(drivertest.MemoryOptions{Now: c.Now, Without: []string{"ownSecret"}})
		s := subject(d, d.Memory, c.Advance)
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
