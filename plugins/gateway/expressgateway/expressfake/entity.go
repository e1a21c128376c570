package expressfake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// date is as JavaScript prints it.
func date(t time.Time) string {
	return t.UTC().Format("Mon Jan 02 2006 15:04:05") + " GMT+0000 (Coordinated Universal Time)"
}

func (s *Server) newID() string {
	s.last++
	return fmt.Sprintf("94df4e84-cb67-4617-94b4-%012x", s.last)
}

// text is a member that is a text.
func (o object) text(name string) string {
	t, _ := o[name].(string)
	return t
}

// user finds one by its name or id.
func (s *Server) user(nameOrID string) *object {
	for _, u := range s.users {
		if u.text("username") == nameOrID {
			return u
		}
	}
	return s.users[nameOrID]
}

func (s *Server) makeUser(w http.ResponseWriter, r *http.Request) {
	var given object
	if !body(w, r, &given) {
		return
	}
	for _, required := range []string{"username", "firstname", "lastname"} {
		if _, is := given[required].(string); !is {
			text(w, http.StatusInternalServerError, fmt.Sprintf("data should have required property '%s'", required))
			return
		}
	}
	if s.user(given.text("username")) != nil {
		text(w, http.StatusConflict, "username already exists")
		return
	}
	u := object{"isActive": true, "id": s.newID(), "createdAt": date(s.options.Now()), "updatedAt": date(s.options.Now())}
	maps.Copy(u, given)
	s.users[u.text("id")] = &u
	s.rows = append(s.rows, row{"users", u.text("id")}, row{"usernames", u.text("username")})
	answer(w, u)
}

func (s *Server) showUser(w http.ResponseWriter, r *http.Request) {
	if u := s.user(r.PathValue("id")); u != nil {
		answer(w, *u)
		return
	}
	text(w, http.StatusNotFound, "User not found: "+r.PathValue("id"))
}

func (s *Server) removeUser(w http.ResponseWriter, r *http.Request) {
	u := s.user(r.PathValue("id"))
	if u == nil {
		text(w, http.StatusNotFound, "User not found: "+r.PathValue("id"))
		return
	}
	delete(s.users, u.text("id"))
	delete(s.owned, u.text("id"))
	maps.DeleteFunc(s.apps, func(_ string, a *object) bool { return a.text("userId") == u.text("id") })
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) makeApp(w http.ResponseWriter, r *http.Request) {
	var given object
	if !body(w, r, &given) {
		return
	}
	u := s.user(given.text("userId"))
	if u == nil {
		text(w, http.StatusConflict, "The specified user does not exist")
		return
	}
	for name := range given {
		if name != "userId" && name != "name" && name != "redirectUri" {
			text(w, http.StatusInternalServerError, "Failed to insert application: Failed to insert application: one or more property is invalid")
			return
		}
	}
	for _, a := range s.apps {
		if a.text("name") == given.text("name") && a.text("userId") == u.text("id") {
			text(w, http.StatusInternalServerError, fmt.Sprintf("Failed to insert application: %s has already another application bound with %s as name",
				u.text("id"), given.text("name")))
			return
		}
	}
	a := object{"isActive": true, "id": s.newID(), "userId": u.text("id"), "name": given["name"], "createdAt": date(s.options.Now())}
	s.apps[a.text("id")] = &a
	s.rows = append(s.rows, row{"apps", a.text("id")})
	answer(w, a)
}

func (s *Server) removeApp(w http.ResponseWriter, r *http.Request) {
	if s.apps[r.PathValue("id")] == nil {
		text(w, http.StatusNotFound, "Application not found: "+r.PathValue("id"))
		return
	}
	delete(s.apps, r.PathValue("id"))
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) makeScope(w http.ResponseWriter, r *http.Request) {
	if s.scopes[r.PathValue("scope")] {
		text(w, http.StatusConflict, "One or more scopes already exist.")
		return
	}
	s.scopes[r.PathValue("scope")] = true
	w.WriteHeader(http.StatusCreated)
}

// makeCredential makes one, or writes over the one of the same id, whose other members stay.
func (s *Server) makeCredential(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Consumer   string `json:"consumerId"`
		Type       string `json:"type"`
		Credential object `json:"credential"`
	}
	if !body(w, r, &given) {
		return
	}
	u := s.user(given.Consumer)
	if u == nil {
		text(w, http.StatusUnprocessableEntity, "No consumer found with id: "+given.Consumer)
		return
	}
	scopes, _ := given.Credential["scopes"].([]any)
	for _, scope := range scopes {
		if name, _ := scope.(string); !s.scopes[name] {
			text(w, http.StatusInternalServerError, "One or more scopes don't exist")
			return
		}
	}
	id := given.Credential.text("keyId")
	if id == "" {
		id = s.newID()
	}
	c := s.credentials[id]
	if c == nil {
		c = &object{}
		s.credentials[id] = c
		s.rows = append(s.rows, row{"credentials", id})
	}
	now := date(s.options.Now())
	maps.Copy(*c, object{"keySecret": s.newID(), "createdAt": now, "updatedAt": now, "scopes": nil})
	maps.Copy(*c, given.Credential)
	maps.Copy(*c, object{"keyId": id, "id": id, "isActive": true, "consumerId": u.text("id"), "type": "key-auth"})
	if owner := u.text("id"); !slices.Contains(s.owned[owner], id) {
		s.owned[owner] = append(s.owned[owner], id)
	}
	answer(w, *c)
}

func (s *Server) listCredentials(w http.ResponseWriter, r *http.Request) {
	u := s.user(r.PathValue("consumer"))
	if u == nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("{}"))
		return
	}
	found := []object{}
	for _, id := range s.owned[u.text("id")] {
		found = append(found, *s.credentials[id])
	}
	answer(w, map[string]any{"credentials": found})
}

func (s *Server) showCredential(w http.ResponseWriter, r *http.Request) {
	answer(w, s.credentials[r.PathValue("id")])
}

func (s *Server) setStatus(w http.ResponseWriter, r *http.Request) {
	var given object
	if !body(w, r, &given) {
		return
	}
	c := s.credentials[r.PathValue("id")]
	if c == nil {
		text(w, http.StatusNotFound, "No credential found with id: "+r.PathValue("id"))
		return
	}
	active := given["status"] == true
	names := map[bool][2]string{true: {"Activated", "Active"}, false: {"Deactivated", "Inactive"}}[active]
	said := names[0]
	if (*c)["isActive"] == active {
		said = names[1]
	}
	(*c)["isActive"] = active
	answer(w, object{"status": said})
}

// setScopes takes scopes that are not there as well.
func (s *Server) setScopes(w http.ResponseWriter, r *http.Request) {
	var given object
	if !body(w, r, &given) {
		return
	}
	c := s.credentials[r.PathValue("id")]
	if c == nil {
		text(w, http.StatusInternalServerError, "credential not found")
		return
	}
	(*c)["scopes"] = given["scopes"]
	w.WriteHeader(http.StatusNoContent)
}
