package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestInfraWallet_AnswersWhatTheCallerMaySee(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(40)...)
	const reports = "/facades/infrawallet/reports?granularity=monthly&groups=&filters=()&tags=()&startTime=1793491200000&endTime=1795305600000"
	var got struct {
		Status int
		Data   []struct {
			Service string
			Reports map[string]float64
		}
	}
	r.get(t, reports, &got, ann)
	var sum float64
	for _, report := range got.Data {
		sum += report.Reports["2026-11"]
	}
	if got.Status != http.StatusOK || len(got.Data) != 3 || sum != 2060 {
		t.Errorf("%v of %+v", sum, got)
	}
	r.Permissions.Deny(readAll.Name)
	if res := r.Get(reports, eve); res.Status != http.StatusForbidden {
		t.Errorf("everybody's costs: %d %s", res.Status, res.Text())
	}
	if res := r.Get(reports+"&entityName=default/vault", eve); res.Status == http.StatusOK && strings.Contains(res.Text(), "RDS") {
		t.Errorf("costs of an entity that eve may not read: %s", res.Text())
	}
	if res := r.Get("/facades/infrawallet/default", eve); res.Status != http.StatusOK || !strings.Contains(res.Text(), `"name":"default"`) {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestInfraWallet_BudgetsAreThoseOfThePlugin(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(10)...)
	res := r.Do("PUT", "/facades/infrawallet/default/budgets", map[string]any{"provider": "AWS", "name": "all of AWS", "amount": 500}, ann)
	if res.Status != http.StatusOK {
		t.Fatalf("%d %s", res.Status, res.Text())
	}
	var list struct{ Budgets []budgetState }
	r.get(t, "/v1/budgets", &list, ann)
	if len(list.Budgets) != 1 || list.Budgets[0].Filter == "" || list.Budgets[0].State == nil || list.Budgets[0].State.Status != "exceeded" {
		t.Errorf("%+v", list)
	}
	if got := r.Audit.Written(); len(got) == 0 || got[0].Event != "budget.write" {
		t.Errorf("%+v", got)
	}
	r.Permissions.Deny(writeBudgets.Name)
	if res := r.Do("PUT", "/facades/infrawallet/default/budgets", map[string]any{"provider": "AWS", "name": "x", "amount": 1}, ann); res.Status != http.StatusForbidden {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestCostInsights_AnswersTheCostsOfAnEntity(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(60)...)
	const path = "/facades/cost-insights-aws/v1/entity/default/component/%s/R2%%2FP30D%%2F2026-11-20"
	var got struct {
		ID     string
		Change struct{ Amount float64 }
	}
	r.get(t, fmt.Sprintf(path, "cart"), &got, ann)
	if got.ID != "component:default/cart" || got.Change.Amount != 0 {
		t.Errorf("%+v", got)
	}
	if res := r.Get(fmt.Sprintf(path, "vault"), eve); res.Status != http.StatusNotFound {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	euro := charge("9", "EC2", "service", "cart")
	euro.Currency = "EUR"
	r.bill(t, "other", euro)
	if res := r.Get(fmt.Sprintf(path, "cart"), ann); res.Status != http.StatusBadRequest || !strings.Contains(refusal(t, res), "EUR, USD") {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestOpenCost_AnswersAllocationsOfTheLedger(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(10)...)
	const compute = "/facades/opencost/allocation/compute?window=2026-11-16T00:00:00Z,2026-11-20T00:00:00Z&aggregate=service&step=1d&accumulate=true"
	var got struct {
		Code int
		Data []map[string]struct{ TotalCost float64 }
	}
	r.get(t, compute, &got, ann)
	if got.Code != http.StatusOK || len(got.Data) != 1 || got.Data[0]["vault"].TotalCost != 28 || got.Data[0]["__unallocated__"].TotalCost != 4 {
		t.Errorf("%+v", got)
	}
	r.Permissions.Deny(readAll.Name)
	if res := r.Get(compute, eve); res.Status != http.StatusForbidden {
		t.Errorf("everybody's costs: %d %s", res.Status, res.Text())
	}
}
