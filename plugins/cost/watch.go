package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/sdk"
)

// budgetsTask is the name of the task that looks at budgets.
const budgetsTask = "budgets"

// toldFor is how long it is remembered that somebody was told; longer than the month that it is about.
const toldFor = 62 * 24 * time.Hour

// watchBudgets tells people about thresholds that budgets have crossed, each once in a month. The host runs it on one of
// its replicas. That a message was sent is noted after it; who is told twice because the note failed sees one message still,
// since a message takes the place of the former one of its scope.
func (c *plugin) watchBudgets(ctx context.Context) error {
	if !c.engine.Load().settings.notifies() {
		return nil
	}
	all, err := c.everyBudget(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, b := range all {
		judged := c.judge(ctx, b, everyPart)
		if judged.State == nil {
			failed = append(failed, fmt.Errorf("budget %s: %s", b.ID, judged.Problem))
			continue
		}
		if err := c.tell(ctx, judged); err != nil {
			failed = append(failed, fmt.Errorf("budget %s: %w", b.ID, err))
		}
	}
	return errors.Join(failed...)
}

// tell sends what has not been told. Of several thresholds that were crossed since, the highest is told alone; credits that
// bring the sum below it again are no news.
func (c *plugin) tell(ctx context.Context, b budgetState) error {
	if len(b.State.Crossed) > 0 {
		highest := b.State.Crossed[len(b.State.Crossed)-1]
		for _, percent := range b.Thresholds {
			if told, err := c.told(ctx, b, strconv.Itoa(percent)); percent > highest && (told || err != nil) {
				return err
			}
		}
		return c.once(ctx, b, strconv.Itoa(highest), c.crossed(b, highest))
	}
	if b.State.Overrun != nil {
		return c.once(ctx, b, "forecast", c.overrun(b))
	}
	return nil
}

// toldKey notes that a message of a month was sent.
func toldKey(b budgetState, about string) string {
	return "told/" + b.ID + "/" + b.State.Month + "/" + about
}

// forgetTold has another budget of the same id tell people anew.
func (c *plugin) forgetTold(ctx context.Context, id string) error {
	for key, err := range c.host.KV.Keys(ctx, "told/"+id+"/") {
		if err != nil {
			return err
		}
		if err := c.host.KV.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (c *plugin) told(ctx context.Context, b budgetState, about string) (bool, error) {
	_, err := c.host.KV.Get(ctx, toldKey(b, about))
	if errors.Is(err, sdk.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// once sends a message unless it was sent before.
func (c *plugin) once(ctx context.Context, b budgetState, about string, m sdk.Notification) error {
	if told, err := c.told(ctx, b, about); told || err != nil {
		return err
	}
	if m.To = c.addressees(ctx, b.Budget); len(m.To) == 0 {
		return nil // nobody owns it; sending to nobody in particular would tell everybody
	}
	m.Topic, m.Scope = "cost", "cost:budget:"+b.ID+":"+b.State.Month+":"+about
	if err := c.host.Notifications.Send(ctx, m); err != nil {
		return err
	}
	_, err := c.host.KV.Put(ctx, toldKey(b, about), []byte(c.now().UTC().Format(time.RFC3339)), sdk.PutOptions{TTL: toldFor})
	return err
}

// addressees are whom a budget names, else the owners of its entity.
func (c *plugin) addressees(ctx context.Context, b insight.Budget) []string {
	if len(b.Notify) > 0 {
		return b.Notify
	}
	d, err := c.engine.Load().catalog.directory(ctx)
	if err != nil || b.EntityRef == "" {
		return nil
	}
	return d.Owners(b.EntityRef)
}

func (c *plugin) crossed(b budgetState, percent int) sdk.Notification {
	m := sdk.Notification{
		Title: fmt.Sprintf("Budget %s: %d%% is spent", b.Name, percent), Link: pageOf(b.EntityRef), Severity: "normal",
		Description: fmt.Sprintf("%s of %s %s are spent in %s, as of %s.", b.State.Spent.Round(2), b.Amount.Round(2), b.Currency, b.State.Month, b.Outlook.Through),
	}
	if b.State.Expected != nil {
		m.Description += fmt.Sprintf(" The month is expected to cost %s.", b.State.Expected.Round(2))
	}
	if percent >= 100 {
		m.Severity = "high"
	}
	return m
}

func (c *plugin) overrun(b budgetState) sdk.Notification {
	return sdk.Notification{
		Title: fmt.Sprintf("Budget %s will be exceeded", b.Name), Link: pageOf(b.EntityRef), Severity: "normal",
		Description: fmt.Sprintf("%s is expected to cost %s %s, %s more than the budget of %s.", b.State.Month, b.State.Expected.Round(2), b.Currency,
			b.State.Overrun.Round(2), b.Amount.Round(2)),
	}
}

// pageOf is the page of an entity in the portal.
func pageOf(ref string) string {
	kind, rest, ok := strings.Cut(ref, ":")
	namespace, name, whole := strings.Cut(rest, "/")
	if !ok || !whole {
		return ""
	}
	return "/catalog/" + namespace + "/" + kind + "/" + name
}
