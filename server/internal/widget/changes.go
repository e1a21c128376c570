package widget

import (
	"encoding/json"
	"sync"
)

// asked is what a question was about.
type asked struct {
	plugin, entity   string // "" = none
	args             json.RawMessage
	locale, timeZone string
}

func askedOf(id ID, q Query) asked {
	a := asked{args: q.Args, locale: q.Locale, timeZone: q.TimeZone}
	a.plugin, _ = id.Split()
	if q.Entity != nil {
		a.entity = string(q.Entity.Ref().Canonical())
	}
	return a
}

// changes counts the forms that were sent to each plugin, so that an answer which was on its way meanwhile is not kept.
type changes struct {
	mu       sync.Mutex
	byPlugin map[string]uint64
}

func (c *changes) of(id ID) uint64 {
	plugin, _ := id.Split()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byPlugin[plugin]
}

func (c *changes) add(plugin string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byPlugin == nil {
		c.byPlugin = map[string]uint64{} // as many as there are plugins with forms
	}
	c.byPlugin[plugin]++
}

// changed forgets what a plugin answered about an entity and about none, to everybody. Other hosts show what they have for
// as long as the widgets say.
func (e *Engine) changed(what asked) {
	e.changes.add(what.plugin)
	for k, a := range e.answers.All() {
		if a.asked.plugin == what.plugin && (a.asked.entity == what.entity || a.asked.entity == "") {
			e.answers.Invalidate(k)
		}
	}
}
