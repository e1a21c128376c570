package insight

import (
	"math"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// timeline is daily amounts without gaps, and until when they are complete.
type timeline struct {
	first    ledger.Day
	amounts  []money.Amount
	complete ledger.Day // the last complete day
}

// timelineOf takes the only series of a daily result; without one every day is nothing.
func timelineOf(res ledger.Result, from, to ledger.Day) timeline {
	t := timeline{first: from, amounts: make([]money.Amount, max(0, to-from)), complete: min(res.LastCompleteDay, to-1)}
	for _, s := range res.Series {
		for _, p := range s.Points {
			if at := int(p.Day - from); at >= 0 && at < len(t.amounts) {
				t.amounts[at] = t.amounts[at].Add(p.Amount)
			}
		}
	}
	return t
}

// sum of the days from, to exclusive.
func (t timeline) sum(from, to ledger.Day) money.Amount {
	var sum money.Amount
	for day := max(from, t.first); day < to && int(day-t.first) < len(t.amounts); day++ {
		sum = sum.Add(t.amounts[day-t.first])
	}
	return sum
}

// history is the complete days from the first one that cost something, at most so many.
func (t timeline) history(most int) []float64 {
	end := max(0, int(t.complete-t.first)+1)
	days := t.amounts[:end]
	for len(days) > 0 && days[0].IsZero() {
		days = days[1:]
	}
	days = days[max(0, len(days)-most):]
	out := make([]float64, len(days))
	for i, a := range days {
		out[i] = a.Float64()
	}
	return out
}

// forecastHistory is how many days forecasts learn from and are tested on, lookBack how many are read for them: data may be
// weeks old.
const (
	forecastHistory = 180
	lookBack        = forecastHistory + 62
)

// Outlook is what a calendar month (UTC) has cost so far, and what it is expected to cost in the end.
type Outlook struct {
	Month string `json:"month"`
	// Spent is the sum of the month's days so far, the incomplete last ones included.
	Spent money.Amount `json:"spent"`
	// Through is the last complete day.
	Through ledger.Day `json:"through,omitzero"`
	// Forecast is nil when there is none; Reason tells why.
	Forecast *ForecastAnswer `json:"forecast,omitempty"`
	Reason   string          `json:"reason,omitempty"`
}

// ForecastAnswer is a forecast as it is answered: amounts with what they were made of.
type ForecastAnswer struct {
	// Expected is the whole, what was spent included.
	Expected money.Amount `json:"expected"`
	Low      money.Amount `json:"low"`
	High     money.Amount `json:"high"`
	// Level is how often Low and High are meant to hold what comes.
	Level    string         `json:"level"`
	Method   Method         `json:"method"`
	Backtest BacktestAnswer `json:"backtest"`
	// Days are what each day to come is expected to cost.
	Days []DayAmount `json:"days,omitempty"`
}

// BacktestAnswer is how well the method did on days that are known.
type BacktestAnswer struct {
	Folds       int `json:"folds"`
	HorizonDays int `json:"horizonDays"`
	// WAPE is the sum of the errors of days, as a share of what they cost; by method.
	WAPE map[Method]string `json:"wape,omitempty"`
}

// DayAmount is the amount of a day.
type DayAmount struct {
	Day    ledger.Day   `json:"day"`
	Amount money.Amount `json:"amount"`
}

// places is how many places estimated amounts have: they are not more precise than that.
const places = 2

// outlook of the month that now lies in.
func (t timeline) outlook(now time.Time) Outlook {
	today := ledger.DayOf(now)
	month := today.Period()
	o := Outlook{Month: string(month), Spent: t.sum(month.First(), month.Next()), Through: t.complete}
	if t.complete+1 >= month.Next() {
		o.Forecast = &ForecastAnswer{Expected: o.Spent, Low: o.Spent, High: o.Spent, Level: level()}
		return o
	}
	f, err := t.predict(max(t.complete+1, month.First()), month.Next())
	if err != nil {
		o.Reason = err.Error()
		return o
	}
	f.shift(t.sum(month.First(), t.complete+1))
	o.Forecast = f
	return o
}

// predict foresees the days from, to exclusive, as a whole and each.
func (t timeline) predict(from, to ledger.Day) (*ForecastAnswer, error) {
	f, err := Predict(t.history(forecastHistory), int(to-t.complete)-1)
	if err != nil {
		return nil, err
	}
	a := &ForecastAnswer{Level: level(), Method: f.Method, Backtest: answered(f.Backtest)}
	var expected float64
	for i, v := range f.Days {
		if day := t.complete + 1 + ledger.Day(i); day >= from {
			a.Days = append(a.Days, DayAmount{day, estimated(v)})
			expected += v
		}
	}
	a.Expected = estimated(expected)
	a.Low, a.High = estimated(expected-(f.Total-f.Low)), estimated(expected+(f.High-f.Total))
	return a, nil
}

// shift adds what is known to what is expected.
func (f *ForecastAnswer) shift(known money.Amount) {
	f.Expected = f.Expected.Add(known).Round(places)
	f.Low = f.Low.Add(known).Round(places)
	f.High = f.High.Add(known).Round(places)
}

func answered(b Backtest) BacktestAnswer {
	out := BacktestAnswer{Folds: b.Folds, HorizonDays: b.Horizon}
	for m, e := range b.Errors {
		if math.IsNaN(e) || math.IsInf(e, 0) {
			continue // the days cost nothing
		}
		if out.WAPE == nil {
			out.WAPE = map[Method]string{}
		}
		out.WAPE[m] = strconv.FormatFloat(e, 'f', 4, 64)
	}
	return out
}

// estimated is an amount of a statistic; what is beyond all amounts is nothing that can be said.
func estimated(v float64) money.Amount {
	a, err := money.FromFloat64(v)
	if err != nil {
		return money.Overflow
	}
	return a.Round(places)
}

func level() string { return strconv.FormatFloat(IntervalLevel, 'f', -1, 64) }

// Ratio is a share to four places, "" where there is none.
func Ratio(part, whole money.Amount) string {
	if whole.IsZero() {
		return ""
	}
	return part.Quo(whole).Round(4).String()
}
