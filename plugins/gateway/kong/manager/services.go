package manager

import (
	"maps"
	"net/http"
)

func (c *call) service() (any, error) {
	if err := c.visible(); err != nil {
		return nil, err
	}
	var s map[string]any
	err := c.ask(http.MethodGet, nil, &s, "services", c.values["service"])
	return map[string]any{"service": s}, err
}

func (c *call) routes() (any, error) {
	if err := c.visible(); err != nil {
		return nil, err
	}
	list, err := c.list("services", c.values["service"], "routes")
	for i := range list {
		list[i] = withService(list[i])
	}
	return map[string]any{"routes": list}, err
}

// withService is a route with the id of its service beside it, where the frontend looks.
func withService(r map[string]any) map[string]any {
	r = maps.Clone(r)
	if s, is := r["service"].(map[string]any); is {
		r["service_id"] = s["id"]
	}
	return r
}

func (c *call) route() (any, error) {
	if err := c.visible(); err != nil {
		return nil, err
	}
	var r map[string]any
	err := c.ask(http.MethodGet, nil, &r, "services", c.values["service"], "routes", c.values["route"])
	return map[string]any{"route": withService(r)}, err
}

func (c *call) addRoute() (any, error) {
	return c.writeRoute(http.MethodPost, "services", c.values["service"], "routes")
}

func (c *call) editRoute() (any, error) {
	return c.writeRoute(http.MethodPatch, "services", c.values["service"], "routes", c.values["route"])
}

// writeRoute never moves a route to another service.
func (c *call) writeRoute(method string, segments ...string) (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"service", "service_id", "id", "created_at", "updated_at"} {
		delete(body, name)
	}
	if err := c.change(); err != nil {
		return nil, err
	}
	var r map[string]any
	err = c.ask(method, body, &r, segments...)
	return map[string]any{"route": withService(r)}, err
}

func (c *call) removeRoute() (any, error) {
	if err := c.change(); err != nil {
		return nil, err
	}
	err := c.ask(http.MethodDelete, nil, nil, "services", c.values["service"], "routes", c.values["route"])
	return map[string]string{"message": "deleted"}, err
}
