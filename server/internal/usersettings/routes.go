package usersettings

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
)

// Feature is what the edge needs to know.
func Feature() httpx.Feature { return httpx.Feature{ID: "user-settings"} }

// Routes adds the routes of s to r.
func Routes(r *httpx.Router, s *Settings) {
	const one = "/buckets/:bucket/keys/*key" // a key may hold slashes, escaped or not
	r.POST("/multiget", httpx.UserOnly, s.multiget)
	r.GET(one, httpx.UserOnly, s.get)
	r.PUT(one, httpx.UserOnly, s.put)
	r.DELETE(one, httpx.UserOnly, s.delete)
}

func user(c *gin.Context) string { return httpx.Principal(c).Subject }

func name(c *gin.Context) Name {
	return Name{Bucket: c.Param("bucket"), Key: strings.TrimPrefix(c.Param("key"), "/")}
}

func (s *Settings) get(c *gin.Context) error {
	found, err := s.Get(c.Request.Context(), user(c), name(c))
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, found)
}

func (s *Settings) put(c *gin.Context) error {
	var body json.RawMessage
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(body, &fields) // a list has no fields
	value, given := fields["value"]
	if !given {
		return apierror.Inputf(`Missing required field "value"`)
	}
	stored, err := s.Set(c.Request.Context(), user(c), name(c), value)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, stored)
}

func (s *Settings) delete(c *gin.Context) error {
	if err := s.Delete(c.Request.Context(), user(c), name(c)); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (s *Settings) multiget(c *gin.Context) error {
	var body any
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	names, err := readNames(body)
	if err != nil {
		return err
	}
	found, err := s.Find(c.Request.Context(), user(c), names)
	if err != nil {
		return err
	}
	type item struct {
		Value json.RawMessage `json:"value"`
	}
	items := make([]*item, len(found))
	for i, v := range found {
		if v != nil {
			items[i] = &item{v}
		}
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"items": items})
}
