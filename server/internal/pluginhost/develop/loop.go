package develop

import (
	"context"
	"time"
)

// Loop builds at every change and brings what was built into service.
type Loop struct {
	Builder Builder
	// Building is told that a build begins, Built how it went. Both are called on the goroutine of Run.
	Building func()
	Built    func(Result)
	// Serve brings the new build into service and returns when it serves, or with the reason why it does not.
	Serve func(ctx context.Context) error
	// Served is told how that went.
	Served func(took time.Duration, err error)
}

// Run takes changes until they or ctx end. What changes during a build is built after it.
func (l Loop) Run(ctx context.Context, changes <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changes:
			if !ok {
				return
			}
		}
		l.turn(ctx)
	}
}

func (l Loop) turn(ctx context.Context) {
	l.Building()
	result := l.Builder.Build(ctx)
	if ctx.Err() != nil {
		return
	}
	l.Built(result)
	if result.Err != nil {
		return
	}
	began := time.Now()
	err := l.Serve(ctx)
	if ctx.Err() == nil {
		l.Served(time.Since(began), err)
	}
}
