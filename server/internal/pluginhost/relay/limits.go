package relay

import "time"

// Limits bound what one plugin may keep busy. Zero values are the defaults.
type Limits struct {
	// RequestTimeout is how long the header of an answer may take, counted from the last piece of the request's body;
	// 30 s. It is the manifest's needs.limits.requestTimeout.
	RequestTimeout time.Duration
	// InFlight is how many requests may wait for the header of their answer at once; 32.
	InFlight int
	// Queued is how many more may wait for a place among those; 64.
	Queued int
	// QueueWait is how long they wait; 100 ms.
	QueueWait time.Duration
	// Answers is how many answers may be on their way after their header, event streams and web sockets among them; 256.
	Answers int
	// Idle is how long an answer or a web socket may stand still; 10 min.
	Idle time.Duration
	// Lifetime is how long an event stream or a web socket may last; 12 h, and never longer than the caller's credentials.
	Lifetime time.Duration
	// Header is the size of an answer's header in bytes; 64 kB.
	Header int64
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.RequestTimeout, 30*time.Second)
	setDefault(&l.InFlight, 32)
	setDefault(&l.Queued, 64)
	setDefault(&l.QueueWait, 100*time.Millisecond)
	setDefault(&l.Answers, 256)
	setDefault(&l.Idle, 10*time.Minute)
	setDefault(&l.Lifetime, 12*time.Hour)
	setDefault(&l.Header, 64<<10)
	return l
}

func setDefault[T int | int64 | time.Duration](v *T, fallback T) {
	if *v <= 0 {
		*v = fallback
	}
}
