package scaffolder

import (
	"encoding/json"
	"math"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/scaffolder/task"
)

func (s *Service) postTask(c *gin.Context) error {
	var body struct {
		TemplateRef string
		Values      json.RawMessage
		Secrets     map[string]string
	}
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	id, err := s.Start(c.Request.Context(), Start{
		TemplateRef: body.TemplateRef, Values: body.Values, Secrets: body.Secrets, Principal: httpx.Principal(c),
	})
	if err != nil {
		return refuse(c, err)
	}
	return httpx.JSON(c, http.StatusCreated, map[string]string{"id": id})
}

func (s *Service) getTasks(c *gin.Context) error {
	f, err := readFilter(c)
	if err != nil {
		return err
	}
	tasks, total, err := s.List(c.Request.Context(), httpx.Principal(c), f)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, map[string]any{"tasks": tasks, "totalTasks": total})
}

// readFilter reads the query of a list; its types have been checked against the OpenAPI document.
func readFilter(c *gin.Context) (task.Filter, error) {
	f := task.Filter{CreatedBy: c.QueryArray("createdBy"), Offset: readCount(c.Query("offset"))}
	for _, text := range c.QueryArray("status") {
		f.Status = append(f.Status, task.Status(text))
	}
	for _, text := range c.QueryArray("order") {
		o, err := task.ParseOrder(text)
		if err != nil {
			return task.Filter{}, err
		}
		f.Order = append(f.Order, o)
	}
	if text, given := c.GetQuery("limit"); given {
		limit := readCount(text)
		f.Limit = &limit
	}
	return f, nil
}

// readCount reads a whole number in any notation that the OpenAPI check lets through.
func readCount(text string) int {
	n, _ := jsvalue.ParseNumber(text)
	return int(min(max(n, 0), math.MaxInt32))
}

func (s *Service) getTask(c *gin.Context) error {
	t, err := s.visibleTask(c, PermissionTaskRead)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, t)
}

// visibleTask is the task that a path names. It is a NotAllowedError unless the caller has all of those permissions on it.
func (s *Service) visibleTask(c *gin.Context, perms ...permission.Permission) (task.Task, error) {
	return s.Task(c.Request.Context(), httpx.Principal(c), c.Param("taskId"), perms...)
}

func (s *Service) postCancel(c *gin.Context) error {
	t, err := s.visibleTask(c, PermissionTaskCancel, PermissionTaskRead)
	if err != nil {
		return err
	}
	if err := s.tasks.Cancel(c.Request.Context(), t.ID); err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, map[string]task.Status{"status": task.Cancelled})
}

func (s *Service) postRetry(c *gin.Context) error {
	var body struct{ Secrets map[string]string }
	if err := httpx.BindJSON(c, &body); err != nil {
		return err
	}
	id := c.Param("taskId")
	if err := s.Retry(c.Request.Context(), httpx.Principal(c), id, body.Secrets); err != nil {
		return refuse(c, err)
	}
	return httpx.JSON(c, http.StatusCreated, map[string]string{"id": id})
}
