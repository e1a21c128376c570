package main

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
)

// condition is how calls to one organization are going, for the health check. A missing scope is remembered beside the
// connection as a whole: calls with other scopes succeed meanwhile.
type condition struct {
	mu      sync.Mutex
	byScope map[string]error // "" = the connection as a whole
}

func (c *condition) failed(scope string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byScope == nil {
		c.byScope = map[string]error{}
	}
	c.byScope[scope] = err
}

func (c *condition) succeeded(scope string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byScope, "")
	delete(c.byScope, scope)
}

// problems are what an operator should know, as texts of their own.
func (c *condition) problems() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []error
	for _, scope := range slices.Sorted(maps.Keys(c.byScope)) {
		list = append(list, errors.New(messageOf(c.byScope[scope])))
	}
	return list
}

// messageOf is what an error says to people.
func messageOf(err error) string {
	if named, ok := errors.AsType[*apierror.Error](err); ok {
		return named.Message
	}
	return err.Error()
}
