package embed

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func secretOf(t testing.TB, c *Capability) string {
	t.Helper()
	secret, ok := strings.CutPrefix(c.URL, "https://host.test/api/widgets/v1/images/")
	if !ok || len(secret) != 22+len(".svg") { // 128 bits
		t.Fatalf("the address is %s", c.URL)
	}
	return strings.TrimSuffix(secret, ".svg")
}

func TestCapability_ShowsOnePictureWithTheRightsOfWhoMadeIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		bound := &principal.Principal{Kind: principal.Service, Subject: "ci", Restrictions: &principal.Restrictions{Actions: []string{"read"}}}
		for _, who := range []*principal.Principal{guest, bound} {
			made, err := r.Grant(t.Context(), who, CapabilityRequest{Widget: "cost/summary", EntityRef: "component:default/shop", Args: json.RawMessage(`{"top":5}`)})
			if err != nil {
				t.Fatal(err)
			}
			d, err := r.View(t.Context(), "192.0.2.7", secretOf(t, made), "svg")
			if err != nil || string(d.Body) != "cost/summary.svg" || d.Fresh < time.Minute {
				t.Fatalf("%+v, %v", d, err)
			}
			p := r.desk.seen[len(r.desk.seen)-1]
			if p.Kind != who.Kind || p.Subject != who.Subject || (p.Restrictions == nil) != (who.Restrictions == nil) ||
				p.Restrictions != nil && p.Restrictions.Actions[0] != "read" {
				t.Errorf("drawn for %+v", p)
			}
		}
	})
}

func TestCapability_EndsByTimeByHandAndWithTheRights(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r, replica := newRig(t, db), newRig(t, db)
		grant := func(expires int64) (*Capability, string) {
			made, err := r.Grant(t.Context(), guest, CapabilityRequest{Widget: "cost/summary", ExpiresIn: expires})
			if err != nil {
				t.Fatal(err)
			}
			return made, secretOf(t, made)
		}
		view := func(r *rig, secret string) error {
			_, err := r.View(t.Context(), "192.0.2.7", secret, "png")
			return err
		}
		short, shortSecret := grant(60)
		long, longSecret := grant(0)
		if list, err := r.Capabilities(t.Context(), guest); err != nil || len(list) != 2 || list[0].URL != "" || list[1].ID == list[0].ID {
			t.Errorf("%+v, %v", list, err)
		}
		if list, _ := r.Capabilities(t.Context(), ci); len(list) != 0 {
			t.Errorf("another caller sees %+v", list)
		}
		r.clock.advance(time.Minute)
		if err := view(r, shortSecret); !apierror.Has(err, apierror.NotFound) {
			t.Errorf("expired: %v", err)
		}
		if list, _ := r.Capabilities(t.Context(), guest); len(list) != 1 || list[0].ID != long.ID {
			t.Errorf("without %s there is %+v", short.ID, list)
		}
		r.desk.problemD = apierror.NotFoundf("There is no entity component:default/secret, or you may not read it")
		if err := view(r, longSecret); !apierror.Has(err, apierror.NotFound) || strings.Contains(err.Error(), "component") {
			t.Errorf("who made it may not read the entity any longer: %v", err)
		}
		r.desk.problemD = errors.New("dial tcp 10.0.0.7: connection refused")
		if err := view(r, longSecret); !apierror.Has(err, apierror.ServiceUnavailable) || strings.Contains(err.Error(), "10.0.0.7") {
			t.Errorf("an outage: %v", err)
		}
		for _, who := range []*principal.Principal{ci, {Kind: principal.Service, Subject: guest.Subject}} {
			if err := r.EndCapability(t.Context(), who, long.ID); !apierror.Has(err, apierror.NotFound) {
				t.Errorf("another caller ended it: %v", err)
			}
		}
		if err := r.EndCapability(t.Context(), guest, long.ID); err != nil {
			t.Fatal(err)
		}
		r.desk.problemD = nil
		for _, at := range []*rig{r, replica} {
			if err := view(at, longSecret); !apierror.Has(err, apierror.NotFound) {
				t.Errorf("ended: %v", err)
			}
		}
	})
}

func TestCapability_OfAServiceEndsWhenTheConfigurationDoesNotLetItEmbedAnyLonger(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	one := strings.Replace(settingsText, "quiet: {widgets: ['*'], services: [ci]", "quiet: {widgets: ['*'], services: [other]", 1)
	reload := func(old, replacement string) {
		t.Helper()
		cfg := config.FromYAML(strings.Replace(one, old, replacement, 1))
		r.Apps.Reload(cfg)
		if err := cfg.Err(); err != nil {
			t.Fatal(err)
		}
	}
	reload("", "")
	request := CapabilityRequest{Widget: "cost/summary", EntityRef: "Component:Shop"}
	secrets := map[*principal.Principal]string{}
	for _, who := range []*principal.Principal{ci, guest} {
		made, err := r.Grant(t.Context(), who, request)
		if err != nil {
			t.Fatal(err)
		}
		secrets[who] = secretOf(t, made)
	}
	shown := func(who *principal.Principal) bool {
		t.Helper()
		drawn := len(r.desk.seen)
		_, err := r.View(t.Context(), "192.0.2.7", secrets[who], "svg")
		if err != nil && (!apierror.Has(err, apierror.NotFound) || strings.Contains(err.Error(), "ci") || len(r.desk.seen) != drawn) {
			t.Errorf("%s: %v, after drawing %d", who.Subject, err, len(r.desk.seen)-drawn)
		}
		return err == nil
	}
	if !shown(ci) || !shown(guest) {
		t.Fatal("a picture that was just made is not shown")
	}
	for what, change := range map[string][2]string{
		"the service is none of the app": {"services: [ci]", "services: [new]"}, "the app has no services": {"services: [ci]", "services: []"},
		"the app does not show the widget": {"cost/*", "sentry/*"}, "the app does not show the entity": {"component:*", "api:*"},
	} {
		reload(change[0], change[1])
		if shown(ci) {
			t.Errorf("%s, and the picture of its service is shown", what)
		}
		if !shown(guest) {
			t.Errorf("%s, and the picture of a person is not shown", what)
		}
		if _, err := r.Grant(t.Context(), ci, request); !apierror.Has(err, apierror.NotAllowed) {
			t.Errorf("%s, and its service publishes: %v", what, err)
		}
	}
	reload("", "")
	if !shown(ci) {
		t.Error("the service is one of the app again, and its picture is not shown")
	}
	if err := r.EndCapability(t.Context(), ci, listed(t, r, ci)); err != nil || shown(ci) {
		t.Errorf("ended: %v", err)
	}
}

func listed(t testing.TB, r *rig, who *principal.Principal) (id string) {
	t.Helper()
	list, err := r.Capabilities(t.Context(), who)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s has %+v, %v", who.Subject, list, err)
	}
	return list[0].ID
}

func TestCapability_OfAServiceThatNoAppListsIsRefused(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	_, err := r.Grant(t.Context(), other, CapabilityRequest{Widget: "cost/summary"})
	if !apierror.Has(err, apierror.NotAllowed) || !strings.Contains(err.Error(), `widget: "other" may not publish cost/summary`) {
		t.Error(err)
	}
}

func TestCapability_IsRefusedToWhoMayNotSeeOrMayNotPublish(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	page := &principal.Principal{Kind: principal.User, Subject: "user:default/guest", Embed: &principal.Embed{}}
	if _, err := r.Grant(t.Context(), page, CapabilityRequest{Widget: "cost/summary"}); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("an embedding page: %v", err)
	}
	for _, request := range []CapabilityRequest{{}, {Widget: "cost"}, {Widget: "cost/summary", ExpiresIn: -1}, {Widget: "cost/summary", ExpiresIn: 1 << 60}} {
		if _, err := r.Grant(t.Context(), guest, request); !apierror.Has(err, apierror.Input) {
			t.Errorf("%+v: %v", request, err)
		}
	}
	r.desk.problem = apierror.NotFoundf("There is no entity")
	if _, err := r.Grant(t.Context(), guest, CapabilityRequest{Widget: "cost/summary", EntityRef: "component:default/hidden"}); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("an entity that the caller may not read: %v", err)
	}
	r.desk.problem = nil
	made, err := r.Grant(t.Context(), guest, CapabilityRequest{Widget: "cost/summary"})
	if err != nil {
		t.Fatal(err)
	}
	r.Apps.Reload(config.FromYAML("callboard: {embed: {pictures: false}}"))
	if _, err := r.Grant(t.Context(), guest, CapabilityRequest{Widget: "cost/summary"}); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("switched off: %v", err)
	}
	if _, err := r.View(t.Context(), "192.0.2.7", secretOf(t, made), "svg"); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("switched off: %v", err)
	}
}

func TestView_IsLimitedByPictureAndByAddress(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	made, err := r.Grant(t.Context(), guest, CapabilityRequest{Widget: "cost/summary"})
	if err != nil {
		t.Fatal(err)
	}
	view := func(address, secret string) error {
		_, err := r.View(t.Context(), address, secret, "svg")
		return err
	}
	for i := range pictureBurst {
		if err := view("192.0.2.7", secretOf(t, made)); err != nil {
			t.Fatalf("view %d: %v", i, err)
		}
	}
	if err := view("198.51.100.7", secretOf(t, made)); !errors.Is(err, errTooOften) {
		t.Errorf("one picture, from everywhere: %v", err)
	}
	r.clock.advance(time.Second)
	if err := view("192.0.2.7", secretOf(t, made)); err != nil {
		t.Errorf("a second later: %v", err)
	}
	guesses := 0
	for ; guesses < 10*addressBurst; guesses++ { // who guesses is stopped, in all of their network
		if err := view("2001:db8::1", strings.Repeat("a", secretLength)); errors.Is(err, errTooOften) {
			break
		}
	}
	if guesses != addressBurst || !errors.Is(view("2001:db8:0:7::2", "x"), errTooOften) || errors.Is(view("2001:db9::1", "x"), errTooOften) {
		t.Errorf("stopped after %d guesses", guesses)
	}
}
