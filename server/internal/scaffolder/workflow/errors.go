package workflow

import "errors"

// ErrLost ends a run whose task belongs to another worker now.
var ErrLost = errors.New("the task was taken over by another worker")

// ErrCancelled is the cause of a context that ends because a user cancelled the task.
var ErrCancelled = errors.New("the task was cancelled")
