package scaffolder

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/scaffolder/task"
)

const (
	// pollFor is how long a caller is kept who asks for events when there are none.
	pollFor = 30 * time.Second
	// heartbeat keeps proxies from closing the stream of a step that says nothing.
	heartbeat = 20 * time.Second
)

func (s *Service) getEvents(c *gin.Context) error {
	t, after, err := s.followed(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.pollFor)
	defer cancel()
	defer context.AfterFunc(httpx.Ending(c), cancel)()
	for events, err := range s.tasks.Follow(ctx, t.ID, after) {
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, events)
	}
	return httpx.JSON(c, http.StatusOK, []task.Event{})
}

func (s *Service) getEventStream(c *gin.Context) error {
	t, after, err := s.followed(c)
	if err != nil {
		return err
	}
	return httpx.Stream(c, heartbeat, func(stream *httpx.Events) error {
		for events, err := range s.tasks.Follow(stream.Context(), t.ID, after) {
			if err != nil {
				return err
			}
			if done, err := send(stream, events); done || err != nil {
				return err
			}
		}
		return nil
	})
}

// send tells whether no event follows the last one.
func send(stream *httpx.Events, events []task.Event) (done bool, err error) {
	for _, e := range events {
		data, err := e.MarshalJSON()
		if err != nil {
			return false, err
		}
		if err := stream.Send(httpx.Event{Name: string(e.Type), Data: data}); err != nil {
			return true, nil //nolint:nilerr // the caller is gone
		}
		done = done || e.Last()
	}
	return done, nil
}

// followed is the task whose events are asked for, and the id of the last one that the caller knows, 0 = none.
func (s *Service) followed(c *gin.Context) (task.Task, int64, error) {
	t, err := s.visibleTask(c, PermissionTaskRead)
	if err != nil {
		return task.Task{}, 0, err
	}
	text, given := c.GetQuery("after")
	if !given {
		return t, 0, nil
	}
	n, ok := jsvalue.ParseNumber(text)
	if !ok || math.IsNaN(n) {
		return task.Task{}, 0, apierror.Inputf("request/query/after must be integer")
	}
	return t, int64(min(max(n, 0), math.MaxInt32)), nil
}
