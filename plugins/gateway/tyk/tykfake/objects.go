package tykfake

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// objects are API definitions or policies.
type objects struct {
	path, id, missing string
	all               func() map[string]object
}

func (s *Server) listObjects(k objects) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		list := []object{}
		for _, id := range slices.Sorted(maps.Keys(k.all())) {
			list = append(list, k.all()[id])
		}
		answer(w, http.StatusOK, list)
	}
}

func (s *Server) readObject(k objects) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, there := k.all()[r.PathValue("id")]
		if !there {
			refuse(w, http.StatusNotFound, k.missing)
			return
		}
		answer(w, http.StatusOK, o)
	}
}

func (s *Server) addObject(k objects) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if o, ok := s.writable(w, r); ok {
			if text(o[k.id]) == "" {
				o[k.id] = strings.ToLower(rand.Text())
			}
			k.all()[text(o[k.id])] = o
			done(w, text(o[k.id]), "added")
		}
	}
}

func (s *Server) replaceObject(k objects) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, ok := s.writable(w, r)
		if !ok {
			return
		}
		id := r.PathValue("id")
		if text(o[k.id]) != "" && text(o[k.id]) != id {
			refuse(w, http.StatusBadRequest, "Request ID does not match that in "+k.path+"! For Update operations these must match.")
			return
		}
		o[k.id] = id
		k.all()[id] = o
		done(w, id, "modified")
	}
}

func (s *Server) writable(w http.ResponseWriter, r *http.Request) (object, bool) {
	if s.options.Dashboard {
		refuse(w, http.StatusInternalServerError, "Due to enabled use_db_app_configs, please use the Dashboard API")
		return nil, false
	}
	return body(w, r)
}
