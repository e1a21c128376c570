package auth

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/auth/signin"
	"github.com/callboard/callboard/server/internal/httpx"
)

// signInRoutes are those of the providers that are configured.
func (s *Service) signInRoutes(r *httpx.Router) {
	for _, p := range s.signIn.Mounted() {
		if p.Proxy {
			proxied := func(c *gin.Context) error { return answerSession(c)(s.signIn.Proxied(c.Writer, c.Request)) }
			refreshRoutes(r, p.ID, proxied)
			unstartable(r, p.ID)
			continue
		}
		s.redirectRoutes(r, p.ID)
	}
}

// redirectRoutes are those of a provider that people are sent to.
func (s *Service) redirectRoutes(r *httpx.Router, id string) {
	r.GET("/"+id+"/start", httpx.Public, func(c *gin.Context) error { return s.signIn.Start(c.Writer, c.Request, id) })
	frame := func(c *gin.Context) error { return s.signIn.Frame(c.Writer, c.Request, id) }
	r.GET("/"+id+"/handler/frame", httpx.Public, frame)
	r.POST("/"+id+"/handler/frame", httpx.Public, frame)
	refreshRoutes(r, id, func(c *gin.Context) error { return answerSession(c)(s.signIn.Refresh(c.Writer, c.Request, id)) })
	r.POST("/"+id+"/logout", httpx.Public, func(c *gin.Context) error {
		if err := s.signIn.Logout(c.Writer, c.Request, id); err != nil {
			return err
		}
		c.Status(http.StatusOK)
		return nil
	})
}

func answerSession(c *gin.Context) func(*signin.Session, error) error {
	return func(session *signin.Session, err error) error {
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, session)
	}
}

func refreshRoutes(r *httpx.Router, id string, refresh httpx.Handler) {
	r.GET("/"+id+"/refresh", httpx.Public, refresh)
	r.POST("/"+id+"/refresh", httpx.Public, refresh)
}

// unstartable are the other routes of a provider that knows people already.
func unstartable(r *httpx.Router, id string) {
	notImplemented := func(*gin.Context) error { return apierror.New(apierror.NotImplemented, "Not implemented") }
	r.GET("/"+id+"/start", httpx.Public, notImplemented)
	r.GET("/"+id+"/handler/frame", httpx.Public, notImplemented)
	r.POST("/"+id+"/handler/frame", httpx.Public, notImplemented)
}

// noProvider words the absence of a provider.
func (s *Service) noProvider(id string) error {
	switch {
	case id == "guest" && !s.guest.configured:
		return apierror.NotFoundf("No auth provider registered for '%s'", id)
	case s.signIn.Broken(id):
		return apierror.NotFoundf("Auth provider registered for '%s' is misconfigured. This could mean the configs under auth.providers.%s are missing or the environment variables used are not defined. Check the auth backend plugin logs when the backend starts to see more details.", id, id)
	}
	return apierror.NotFoundf("Unknown auth provider '%s'", id)
}
