package task

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// change runs a statement on the tables.
func (r *rig) change(statement string, args ...any) {
	r.t.Helper()
	err := r.db.Write(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		_, err := r.exec(ctx, tx, statement, args...)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestList_SelectsOrdersAndCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		e := r.idle()
		names := map[string]string{}
		for i, owner := range []string{"user:default/b", "user:default/a", "", "user:default/B"} {
			by := &principal.Principal{Kind: principal.User, Subject: owner}
			if owner == "" {
				by = &principal.Principal{Kind: principal.Service, Subject: "external:ci"}
			}
			made, err := e.Create(context.Background(), NewTask{Spec: json.RawMessage(oneStep), Initiator: by})
			if err != nil {
				t.Fatal(err)
			}
			status := []Status{Completed, Failed, Open, Completed}[i]
			r.change("UPDATE scaffolder_tasks SET created_at = ?, status = ? WHERE id = ?", 1000+i, string(status), made.ID)
			names[made.ID] = fmt.Sprint(i)
		}
		owned := func(by ...any) permission.Criteria {
			return permission.When("scaffolder-task", OwnerRule, map[string]any{"createdBy": by})
		}
		not := func(c permission.Criteria) *permission.Criteria { return &permission.Criteria{Not: &c} }
		number := func(n int) *int { return &n }
		mine := owned("user:default/a", "user:default/b")
		for name, c := range map[string]struct {
			filter Filter
			want   string
			total  int
		}{
			"the newest first":            {Filter{}, "3 2 1 0", 4},
			"the oldest first":            {Filter{Order: []Order{{Field: "created_at"}}}, "0 1 2 3", 4},
			"by status, then time":        {Filter{Order: []Order{{Field: "status"}, {Field: "created_at"}}}, "0 3 1 2", 4},
			"by creator, bytes":           {Filter{Order: []Order{{Field: "created_by", Descending: true}}}, "0 1 3 2", 4},
			"of one creator":              {Filter{CreatedBy: []string{"user:default/a"}}, "1", 1},
			"of two":                      {Filter{CreatedBy: []string{"user:default/a", "user:default/B", ""}}, "3 1", 2},
			"in one state":                {Filter{Status: []Status{Completed}}, "3 0", 2},
			"in a state that is not one":  {Filter{Status: []Status{"bogus'); --"}}, "", 0},
			"of a creator in a state":     {Filter{CreatedBy: []string{"user:default/b"}, Status: []Status{Failed}}, "", 0},
			"a page":                      {Filter{Limit: number(2), Offset: 1}, "2 1", 4},
			"an empty page":               {Filter{Limit: number(0)}, "", 4},
			"the rest":                    {Filter{Offset: 3}, "0", 4},
			"what the reader owns":        {Filter{Visible: &mine}, "1 0", 2},
			"what the reader owns not":    {Filter{Visible: not(mine)}, "3 2", 2},
			"of nobody":                   {Filter{Visible: &permission.Criteria{AnyOf: []permission.Criteria{owned(), owned("")}}}, "", 0},
			"visible and of that creator": {Filter{Visible: &mine, CreatedBy: []string{"user:default/B"}}, "", 0},
			"either, and not": {Filter{Visible: &permission.Criteria{AllOf: []permission.Criteria{
				{AnyOf: []permission.Criteria{mine, owned("user:default/B")}}, *not(owned("user:default/a"))}}}, "3 0", 2},
		} {
			tasks, total, err := e.List(context.Background(), c.filter)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var got []string
			for _, one := range tasks {
				got = append(got, names[one.ID])
			}
			if strings.Join(got, " ") != c.want || total != c.total {
				t.Errorf("%s: %v of %d, want %s of %d", name, got, total, c.want, c.total)
			}
		}
		for name, f := range map[string]Filter{
			"a hidden column":        {Order: []Order{{Field: "secrets"}}},
			"SQL":                    {Order: []Order{{Field: "created_at; DROP TABLE scaffolder_tasks"}}},
			"an unknown rule":        {Visible: &permission.Criteria{Condition: &permission.Condition{Rule: "HAS_TAG"}}},
			"a parameter of numbers": {Visible: &permission.Criteria{Condition: &permission.Condition{Rule: OwnerRule, Params: map[string]any{"createdBy": []any{1}}}}},
			"no parameter":           {Visible: &permission.Criteria{Condition: &permission.Condition{Rule: OwnerRule}}},
			"empty criteria":         {Visible: &permission.Criteria{}},
		} {
			if _, _, err := e.List(context.Background(), f); !apierror.Has(err, apierror.Input) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestParseOrder_TakesThreeFieldsOnly(t *testing.T) {
	for text, want := range map[string]string{
		"asc:created_at": "{created_at false}", "desc:status": "{status true}", "desc:created_by": "{created_by true}",
		"foo": `InputError: Invalid order parameter "foo", expected "<asc or desc>:<field name>"`, "asc:foo": `InputError: Invalid order field "foo"`,
		"up:status": `InputError: Invalid order parameter "up:status", expected "<asc or desc>:<field name>"`,
	} {
		order, err := ParseOrder(text)
		got := fmt.Sprint(order)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, column := range []string{"id", "spec", "secrets", "state", "initiator", "strategy", "worker", "lease_until", "spec->>'parameters'", "created_at--", ""} {
		if _, err := ParseOrder("asc:" + column); !apierror.Has(err, apierror.Input) {
			t.Errorf("ordered by %q: %v", column, err)
		}
	}
}

func FuzzParseOrder(f *testing.F) {
	f.Add("asc:created_at")
	f.Add("desc:secrets")
	f.Fuzz(func(t *testing.T, text string) {
		if o, err := ParseOrder(text); err == nil && !slices.Contains([]string{"created_at", "status", "created_by"}, o.Field) {
			t.Errorf("%q orders by %q", text, o.Field)
		}
	})
}

func TestAnUnknownTaskIsNotFoundWhateverIsAskedOfIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newRig(t, db).idle()
		ctx := context.Background()
		get := func() error { _, err := e.Get(ctx, "nope"); return err }
		events := func() error { _, err := e.Events(ctx, "nope", 0); return err }
		follow := func() (failure error) {
			for _, err := range e.Follow(ctx, "nope", 0) {
				failure = err
			}
			return failure
		}
		for name, err := range map[string]error{"get": get(), "cancel": e.Cancel(ctx, "nope"), "retry": e.Retry(ctx, "nope", nil, ann), "events": events(), "follow": follow()} {
			if err == nil || err.Error() != "NotFoundError: No task with id 'nope' found" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestSecrets_AreNowhereInTheDatabaseInClear(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		secrets := secret.Set{}
		for i := range 40 {
			secrets[fmt.Sprintf("name%d", i)] = secret.New(fmt.Sprintf("canary-%d", i))
		}
		e := r.idle()
		made, err := e.Create(context.Background(), NewTask{Spec: json.RawMessage(oneStep), Initiator: ann, Secrets: secrets})
		if err != nil {
			t.Fatal(err)
		}
		check := func(when string, sealed bool) {
			t.Helper()
			dump := storetest.Dump(r.t, r.db, "scaffolder")
			if strings.Contains(dump, "canary-") || strings.Contains(dump, ann.Token) {
				t.Errorf("%s a secret can be read", when)
			}
			var n int
			if err := db.Read().NewRaw("SELECT count(*) FROM scaffolder_tasks WHERE secrets IS NOT NULL").Scan(context.Background(), &n); err != nil {
				t.Fatal(err)
			}
			if (n == 1) != sealed {
				t.Errorf("%s sealed secrets are there: %v", when, n == 1)
			}
		}
		check("before it is claimed", true)
		claims, err := r.claim(context.Background(), claimRequest{worker: "w", limit: 1, lease: DefaultLease})
		if err != nil || len(claims) != 1 {
			t.Fatal(claims, err)
		}
		c := claims[0]
		if len(c.secrets) != 41 || c.secrets["name7"].Reveal() != "canary-7" || c.initiator.Token != ann.Token || c.initiator.Subject != ann.Subject {
			t.Errorf("the worker got %d secrets", len(c.secrets))
		}
		check("once it is claimed", false)
		state := record{Step: "a", Key: "key of canary-1", Value: json.RawMessage(`"canary-2"`)}
		if err := r.saveState(context.Background(), c.holder, nil, state, nil); err != nil {
			t.Fatal(err)
		}
		check("with a checkpoint", false)
		if reached, err := r.reached(context.Background(), made.ID); err != nil || string(reached.Checkpoints["a"]["key of canary-1"]) != `"canary-2"` {
			t.Errorf("reached %v, %v", reached, err)
		}
	})
}

func TestLookingForTasksDoesNotReadThoseThatHaveEnded(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	var plan strings.Builder
	err := r.each(context.Background(), r.db.Read(), func(rows *sql.Rows) error {
		var id, parent, unused int
		var detail string
		err := rows.Scan(&id, &parent, &unused, &detail)
		plan.WriteString(detail + "\n")
		return err
	}, "EXPLAIN QUERY PLAN SELECT 1 FROM scaffolder_tasks WHERE "+claimable+" LIMIT 1")
	if err != nil || !strings.Contains(plan.String(), "scaffolder_tasks_due") {
		t.Errorf("the plan is %s (%v)", plan.String(), err)
	}
}
