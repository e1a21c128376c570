package launch

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

func TestPaced_AFloodIsReadNoFasterThanItsPaceAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flood := make([]byte, burstBytes+2*bytesPerSecond)
		began := time.Now()
		n, err := io.Copy(io.Discard, struct{ io.Reader }{paced{bytes.NewReader(flood), rate.NewLimiter(bytesPerSecond, burstBytes)}})
		if err != nil || n != int64(len(flood)) {
			t.Errorf("read %d of %d: %v", n, len(flood), err)
		}
		if took := time.Since(began).Round(10 * time.Millisecond); took != 2*time.Second {
			t.Errorf("what is beyond the burst took %s, at %d bytes a second", took, bytesPerSecond)
		}
	})
}
