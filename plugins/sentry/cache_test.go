package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func TestAnswers_AreShownWithTheirAgeWhileSentryIsDown(t *testing.T) {
	r := start(t)
	first := r.Get(issuesOfShop, ann).Text()
	r.sentry.Fail("/", -1, said(http.StatusInternalServerError, "text/html", "<html>"))
	r.advance(30 * time.Second)
	if res := r.Get(issuesOfShop, ann); res.Header.Get("Age") != "30" || res.Header.Get("Warning") != "" || res.Text() != first {
		t.Errorf("fresh: %v", res.Header)
	}
	r.advance(10 * time.Minute)
	res := r.Get(issuesOfShop, ann)
	var got struct {
		Items []any
		Meta  about
	}
	res.JSON(t, &got)
	if res.Header.Get("Age") != "630" || res.Header.Get("Warning") == "" || len(got.Items) != 3 || !strings.Contains(got.Meta.Stale, "with 500") || !got.Meta.AsOf.Equal(now) {
		t.Errorf("stale: %v %s", res.Header, res.Text())
	}
	calls := len(r.sentry.Calls())
	r.Get(issuesOfShop, ann)
	if len(r.sentry.Calls()) != calls {
		t.Error("a server that has just failed is asked by each viewer")
	}
	run := r.QueryWidget("open-issues", sdk.WidgetQuery{Entity: shop[0]})
	if run.Err == nil {
		t.Errorf("another number of issues was never read: %+v", run.Frames)
	}
	r.advance(time.Hour)
	r.refused(t, issuesOfShop, http.StatusServiceUnavailable, "with 500", ann)
	r.sentry.Heal()
	r.advance(time.Minute)
	if res := r.Get(issuesOfShop, ann); res.Header.Get("Age") != "0" || r.Health() != nil {
		t.Errorf("%v %v", res.Header, r.Health())
	}
}

func TestWidget_ShowsHowOldItsIssuesAre(t *testing.T) {
	r := start(t)
	q := sdk.WidgetQuery{Entity: shop[0]}
	if run := r.QueryWidget("open-issues", q); run.Err != nil || run.Frames[0].Column("as of") != nil {
		t.Errorf("%+v", run)
	}
	r.sentry.Fail("/", -1, said(http.StatusInternalServerError, "text/html", "<html>"))
	r.advance(10 * time.Minute)
	run := r.QueryWidget("open-issues", q)
	if run.Err != nil || !run.Frames[0].Column("as of").Values[0].(time.Time).Equal(now) {
		t.Errorf("%+v", run)
	}
}

func TestCache_GivesUpWithTheCallerWhoLeavesAndGoesOnForTheOthers(t *testing.T) {
	c := newCache(time.Minute, time.Hour, time.Now)
	release, entered := make(chan struct{}), make(chan struct{})
	load := func(context.Context) (string, int, error) { //nolint:unparam // the form that the cache calls
		close(entered)
		<-release
		return "value", 5, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := read(ctx, c, "k", load)
		left <- err
	}()
	<-entered
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if r, err := read(t.Context(), c, "k", load); err != nil || r.value != "value" {
		t.Error(r, err)
	}
}

func TestCache_StaysWithinItsBudgetAndDropsTheOldest(t *testing.T) {
	clock := now
	c := newCache(time.Minute, time.Hour, func() time.Time { return clock })
	loads := 0
	get := func(key string, size int) {
		_, err := read(t.Context(), c, key, func(context.Context) (int, int, error) { loads++; return loads, size, nil })
		if err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(time.Millisecond)
	}
	for n := range 40 {
		get(fmt.Sprint(n), 1<<20)
	}
	if c.size > budget || len(c.entries) != 32 {
		t.Errorf("%d bytes in %d entries", c.size, len(c.entries))
	}
	if get("39", 0); loads != 40 {
		t.Error("the newest was dropped")
	}
	if get("0", 1); loads != 41 {
		t.Error("the oldest is still there")
	}
	for n := range maxEntries + 10 {
		get(fmt.Sprint("small", n), 0)
	}
	if len(c.entries) > maxEntries {
		t.Errorf("%d entries", len(c.entries))
	}
}

func TestCache_SurvivesAPanic(t *testing.T) {
	c := newCache(time.Minute, time.Hour, time.Now)
	_, err := read(t.Context(), c, "k", func(context.Context) (int, int, error) { panic("out of range") })
	if !errors.Is(err, sdk.ErrServiceUnavailable) {
		t.Error(err)
	}
}

func TestCache_ShowsNothingOldWhereTheQuestionIsWrong(t *testing.T) {
	clock := now
	c := newCache(time.Minute, time.Hour, func() time.Time { return clock })
	answers := []error{nil, apierror.New(apierror.NotFound, "gone")}
	load := func(context.Context) (int, int, error) {
		err := answers[0]
		answers = answers[1:]
		return 1, 1, err
	}
	if _, err := read(t.Context(), c, "k", load); err != nil {
		t.Fatal(err)
	}
	c.forget("k")
	if r, err := read(t.Context(), c, "k", load); !errors.Is(err, sdk.ErrNotFound) {
		t.Error(r, err)
	}
}
