package schedule

import (
	"strings"
	"testing"
	"time"
)

// FuzzCron holds the cron library, which reads what plugins write, to what the scheduler relies on.
func FuzzCron(f *testing.F) {
	for _, cron := range []string{
		"* * * * *", "*/5 0-3,7 1,15 * MON-FRI", "0 0 29 2 *", "0 0 31 2 *", "0 0 * * 5L", "@daily", "61 * * * *", "*/0 * * * *", "1-0 * * * *",
		"* * * * 7", "0 0 L * *", "0 0 15W * *", "? ? ? ? ?", "99999999999999999999 * * * *", "-1 * * * *", "1-5/-1 * * * *", "\x00 * * * *", "0 0 1 1 1#3",
	} {
		f.Add(cron, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, cron string, seconds int64) {
		task := Task{ID: "x", Cron: cron}
		if cron == "" || task.check("hello") != nil {
			return
		}
		from := time.Unix(seconds%4_000_000_000, 0)
		if from.Before(time.Unix(0, 0)) {
			return
		}
		next, err := task.after(from)
		if err == nil && !next.After(from) {
			t.Errorf("%q after %s is %s", cron, from.UTC(), next.UTC())
		}
		if err == nil && next.Second() != 0 {
			t.Errorf("%q comes at %s, which is no full minute", cron, next.UTC())
		}
	})
}

func TestCron_MeansWhatItSaysInUTC(t *testing.T) {
	from := time.Date(2026, 2, 27, 23, 59, 30, 0, time.FixedZone("", 3600)) // 22:59:30 UTC, a Friday
	for cron, want := range map[string]string{
		"* * * * *":    "2026-02-27 23:00",
		"*/15 * * * *": "2026-02-27 23:00",
		"30 22 * * *":  "2026-02-28 22:30",
		"0 0 1 * *":    "2026-03-01 00:00",
		"0 6 * * 1":    "2026-03-02 06:00",
		"0 6 * * MON":  "2026-03-02 06:00",
		"0 6 * * 1-5":  "2026-03-02 06:00",
		"0 0 29 2 *":   "2028-02-29 00:00",
		"0 12 1 * 6":   "2026-02-28 12:00", // both days given: either
	} {
		task := Task{ID: "x", Cron: cron}
		if err := task.check("hello"); err != nil {
			t.Errorf("%s: %v", cron, err)
			continue
		}
		next, err := task.after(from)
		if err != nil || next.UTC().Format("2006-01-02 15:04") != want {
			t.Errorf("%s comes at %s, want %s (%v)", cron, next.UTC(), want, err)
		}
	}
	for _, cron := range []string{"0 0 31 2 *", "@daily", "61 * * * *", "1-5/-1 * * * *", "* * L * *", strings.Repeat("1,", 150) + "1 * * * *"} {
		if (Task{ID: "x", Cron: cron}).check("hello") == nil {
			t.Errorf("%.20s is accepted", cron)
		}
	}
}
