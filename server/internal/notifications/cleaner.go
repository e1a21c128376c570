package notifications

import (
	"context"
	"time"

	"github.com/callboard/callboard/server/internal/config"
)

const (
	defaultRetention = 365 * 24 * time.Hour
	cleanerDelay     = time.Hour // after the start, so that restarts do not all clean at once
	cleanerInterval  = 24 * time.Hour
)

// readRetention reads notifications.retention: a duration, or false = keep for ever.
func readRetention(s *config.Section) time.Duration {
	if keep, ok := s.Value("retention").(bool); ok {
		if keep {
			s.Problem("retention", "must be a duration or false")
		}
		return 0
	}
	d := s.Duration("retention", defaultRetention)
	if d <= 0 {
		s.Problem("retention", "must be longer than nothing; false keeps notifications for ever")
	}
	return d
}

// Run forgets old notifications, once a day, until ctx ends. Replicas may all do it: deleting twice does no harm.
func (s *Service) Run(ctx context.Context) {
	if s.retention <= 0 {
		<-ctx.Done()
		return
	}
	wait := cleanerDelay
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = cleanerInterval
		n, err := s.tables.forget(ctx, Time(s.now().Add(-s.retention).UnixMilli()))
		if err != nil {
			s.log.ErrorContext(ctx, "old notifications not deleted", "error", err)
			continue
		}
		s.log.InfoContext(ctx, "old notifications deleted", "count", n)
	}
}
