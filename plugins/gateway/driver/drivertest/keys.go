package drivertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

func issuesOncePerOperation(s *trial) {
	r := s.request(s.app("orders"))
	first := s.issue(r)
	if first.Secret == "" {
		s.Fatal("a new key comes without its secret")
	}
	if s.can.OwnSecret && first.Secret != r.Secret {
		s.Error("the key's secret is not the one that was asked for")
	}
	again := s.issue(r)
	if again.ID != first.ID || again.Secret != "" && again.Secret != first.Secret {
		s.Errorf("the same operation made key %s, then %s", first.ID, again.ID)
	}
	if n := len(s.keys(r.App)); n != 1 {
		s.Errorf("one operation left %d keys", n)
	}
	s.accepted(first.Secret, "the key, after its operation was repeated")
}

func letsInKeysOnly(s *trial) {
	k := s.issue(s.request(s.app("orders")))
	s.accepted(k.Secret, "a key")
	s.refused("", "a request without a key")
	s.refused(sdk.Secret("none"+k.Secret.Reveal()), "a key that nobody made")
}

func revokes(s *trial) {
	app := s.app("orders")
	gone, stays := s.issue(s.request(app)), driver.IssuedKey{}
	if _, slots := s.Driver.(driver.SlotRotator); !slots && s.can.RotateDual {
		stays = s.issue(s.request(app))
	}
	for range 2 { // what is gone may be taken away again
		if err := s.Driver.RevokeKey(s.Context(), app, gone.ID); err != nil {
			s.Fatalf("revoke: %v", err)
		}
	}
	s.refused(gone.Secret, "a revoked key")
	if _, there := s.keys(app)[gone.ID]; there {
		s.Error("a revoked key is still listed")
	}
	if stays.ID != "" {
		s.accepted(stays.Secret, "the other key of the application")
	}
}

func suspends(s *trial) {
	app := s.app("orders")
	k := s.issue(s.request(app))
	set := func(suspended bool) error { return s.Driver.SuspendKey(s.Context(), app, k.ID, suspended) }
	if !s.can.Suspend {
		if err := set(true); !errors.Is(err, sdk.ErrNotImplemented) {
			s.Errorf("suspend: %v, want not implemented", err)
		}
		return
	}
	for _, suspended := range []bool{true, true, false, false} {
		if err := set(suspended); err != nil {
			s.Fatalf("suspended=%t: %v", suspended, err)
		}
		if listed := s.keys(app)[k.ID]; listed.Suspended != suspended || listed.Operation != k.Operation {
			s.Errorf("suspended=%t: listed as %+v", suspended, listed)
		}
		if suspended {
			s.refused(k.Secret, "a suspended key")
		} else {
			s.accepted(k.Secret, "a resumed key")
		}
	}
}

func rotates(s *trial) {
	if !s.can.RotateDual {
		s.Skip("old and new keys do not work beside each other: " + s.can.Why["rotateDual"])
	}
	app := s.app("orders")
	old := s.issue(s.request(app))
	if slots, ok := s.Driver.(driver.SlotRotator); ok {
		rotatesSlots(s, slots, old)
		return
	}
	next := s.issue(s.request(app))
	if next.ID == old.ID || next.Secret == old.Secret {
		s.Fatalf("two operations made the same key %s", old.ID)
	}
	s.accepted(old.Secret, "the old key")
	s.accepted(next.Secret, "the new key")
	if err := s.Driver.RevokeKey(s.Context(), app, old.ID); err != nil {
		s.Fatalf("revoke the old key: %v", err)
	}
	s.refused(old.Secret, "the old key, after the rotation")
	s.accepted(next.Secret, "the new key, after the rotation")
}

func rotatesSlots(s *trial, slots driver.SlotRotator, old driver.IssuedKey) {
	op := operation()
	next, err := slots.RotateKey(s.Context(), old.App, old.ID, op)
	if err != nil || next.Secret == "" || next.Secret == old.Secret {
		s.Fatalf("rotate: %+v, %v", next.Key, err)
	}
	again, err := slots.RotateKey(s.Context(), old.App, old.ID, op)
	if err != nil || again.Secret != "" && again.Secret != next.Secret {
		s.Errorf("the same operation rotated twice: %v", err)
	}
	s.accepted(old.Secret, "the old slot")
	s.accepted(next.Secret, "the new slot")
	for range 2 {
		if err := slots.RetireSlot(s.Context(), old.App, next.ID); err != nil {
			s.Fatalf("retire the old slot: %v", err)
		}
	}
	s.refused(old.Secret, "the old slot, after the rotation")
	s.accepted(next.Secret, "the new slot, after the rotation")
	cancelsRotation(s, slots, next)
}

func cancelsRotation(s *trial, slots driver.SlotRotator, key driver.IssuedKey) {
	op := operation()
	lost, err := slots.RotateKey(s.Context(), key.App, key.ID, op)
	if err != nil {
		s.Fatalf("rotate again: %v", err)
	}
	if err := slots.CancelRotation(s.Context(), key.App, key.ID, operation()); err != nil {
		s.Fatalf("cancel another operation: %v", err)
	}
	s.accepted(lost.Secret, "a slot, after another operation was cancelled")
	for range 2 {
		if err := slots.CancelRotation(s.Context(), key.App, key.ID, op); err != nil {
			s.Fatalf("cancel: %v", err)
		}
	}
	s.refused(lost.Secret, "the slot of a rotation that was taken back")
	s.accepted(key.Secret, "the old slot of a rotation that was taken back")
	next, err := slots.RotateKey(s.Context(), key.App, key.ID, operation())
	if err != nil {
		s.Fatalf("rotate after a cancellation: %v", err)
	}
	s.accepted(key.Secret, "the old slot, beside the one after a cancellation")
	s.accepted(next.Secret, "the slot after a cancellation")
}

func expires(s *trial) {
	if s.Advance == nil {
		s.Skip("the gateway's clock cannot be moved")
	}
	r := s.request(s.app("orders"))
	before := s.issue(s.request(r.App)) // so that the gateway's time can be told
	now := s.keys(r.App)[before.ID].Created
	if now.IsZero() {
		now = time.Now()
	}
	r.Expires = now.Add(time.Hour)
	k := s.issue(r)
	s.accepted(k.Secret, "a key before its end")
	s.Advance(2 * time.Hour)
	if s.can.KeyTTL {
		s.refused(k.Secret, "an expired key")
	}
	s.accepted(before.Secret, "a key without an end")
}

func masks(s *trial) {
	r := s.request(s.app("orders"))
	k := s.issue(r)
	for _, scope := range []driver.AppID{r.App, ""} {
		listed, there := s.keys(scope)[k.ID]
		if !there || listed.App != r.App || listed.Operation != r.Operation {
			s.Errorf("keys of %q have %+v", scope, listed)
		}
		text := fmt.Sprintf("%+v", listed)
		if data, err := json.Marshal(listed); err != nil || strings.Contains(text+string(data), k.Secret.Reveal()) {
			s.Errorf("the list of %q tells the secret (%v)", scope, err)
		}
		if len(listed.Prefix) > 8 || !strings.Contains(k.Secret.Reveal(), listed.Prefix) {
			s.Errorf("the list of %q has a prefix of %d characters", scope, len(listed.Prefix))
		}
	}
}

func pages(s *trial) {
	n := s.Page
	if n == 0 {
		n = 25
	}
	_, slots := s.Driver.(driver.SlotRotator)
	app, want := s.app("orders"), []driver.KeyID{}
	for i := range n {
		if slots || !s.can.RotateDual || i%2 == 0 { // more consumers, and more keys of one where it may have them
			app = s.app(fmt.Sprintf("orders-%d", i))
		}
		want = append(want, s.issue(s.request(app)).ID)
		if !slots && s.can.RotateDual {
			want = append(want, s.issue(s.request("orders")).ID)
		}
	}
	all := s.keys("")
	for _, id := range want {
		if all[id].Operation == "" {
			s.Errorf("key %s is not among the %d that are listed", id, len(all))
		}
	}
	if !slots && s.can.RotateDual && len(s.keys("orders")) != n {
		s.Errorf("%d of %d keys of one application are listed", len(s.keys("orders")), n)
	}
}

func tellsForeign(s *trial) {
	if s.Foreign == nil {
		s.Skip("nobody else makes keys at this gateway")
	}
	own := s.issue(s.request(s.app("orders")))
	foreign := s.Foreign(s.T, "orders")
	found := s.keys("orders")
	if k, there := found[foreign]; !there || k.Operation != "" {
		s.Errorf("the foreign key is listed as %+v", k)
	}
	if found[own.ID].Operation == "" {
		s.Error("the plugin's own key is not told from foreign ones")
	}
}

func ensures(s *trial) {
	k := s.issue(s.request(s.app("orders")))
	s.app("orders")
	if found := s.keys("orders"); len(found) != 1 || found[k.ID].Operation == "" {
		s.Errorf("an application that is known already has %+v", found)
	}
	s.accepted(k.Secret, "the key of an application that is made known again")
}

func refusesUnknown(s *trial) {
	if !s.can.Keys {
		s.Skip("the gateway makes no keys: " + s.can.Why["keys"])
	}
	r := s.request("nobody")
	if _, err := s.Driver.IssueKey(s.Context(), r); !errors.Is(err, sdk.ErrNotFound) {
		s.Errorf("issue for an application that is not there: %v, want not found", err)
	}
	s.app("orders")
	for _, app := range []driver.AppID{"orders", "nobody"} {
		if err := s.Driver.RevokeKey(s.Context(), app, "6d1f0c52-0000-4000-8000-000000000000"); err != nil {
			s.Errorf("revoke a key of %s that is not there: %v", app, err)
		}
	}
	err := s.Driver.SuspendKey(s.Context(), "orders", "6d1f0c52-0000-4000-8000-000000000000", true)
	if s.can.Suspend && !errors.Is(err, sdk.ErrNotFound) {
		s.Errorf("suspend a key that is not there: %v, want not found", err)
	}
	if found := s.keys("nobody"); len(found) != 0 {
		s.Errorf("an application that is not there has keys %v", found)
	}
}

func concurrent(s *trial) {
	if !s.can.Keys {
		s.Skip("the gateway makes no keys: " + s.can.Why["keys"])
	}
	const n = 8
	var requests []driver.KeyRequest
	for i := range n {
		requests = append(requests, s.request(s.app(fmt.Sprintf("orders-%d", i))))
	}
	issued, failed := make([]driver.IssuedKey, n), make([]error, n)
	var all sync.WaitGroup
	for i, r := range requests {
		all.Go(func() { issued[i], failed[i] = s.Driver.IssueKey(s.Context(), r) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		s.Fatal(err)
	}
	slices.SortFunc(issued, func(a, b driver.IssuedKey) int { return strings.Compare(string(a.ID), string(b.ID)) })
	if len(slices.CompactFunc(issued, func(a, b driver.IssuedKey) bool { return a.ID == b.ID })) != n {
		s.Error("applications at once were given the same key")
	}
}
