package tykfake

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// hashOf is what is kept of a key with hash_keys.
func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// kept is how a session is called in the store.
func (s *Server) kept(key string) string {
	if s.options.Hashed {
		return hashOf(key)
	}
	return key
}

// named is the session that a path names, by key or with hashed=true by its hash.
func (s *Server) named(r *http.Request) string {
	if r.URL.Query().Get("hashed") == "true" {
		return r.PathValue("key")
	}
	return s.kept(r.PathValue("key"))
}

// byName refuses hashes where there are none.
func (s *Server) byName(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("hashed") == "true" && !s.options.Hashed {
			refuse(w, http.StatusBadRequest, "Key requested by hash but key hashing is not enabled")
			return
		}
		next(w, r)
	}
}

func (s *Server) listKeys(w http.ResponseWriter, r *http.Request) {
	if s.options.Hashed && !s.options.Listing {
		refuse(w, http.StatusNotFound, "Hashed key listing is disabled in config (enable_hashed_keys_listing)")
		return
	}
	keys := []string{}
	for _, key := range slices.Sorted(maps.Keys(s.sessions)) {
		if s.options.Hashed || strings.HasPrefix(key, r.URL.Query().Get("filter")) {
			keys = append(keys, key)
		}
	}
	answer(w, http.StatusOK, object{"keys": keys})
}

func (s *Server) readKey(w http.ResponseWriter, r *http.Request) {
	session, there := s.sessions[s.named(r)]
	if !there || s.expired(session) {
		refuse(w, http.StatusNotFound, "Key not found")
		return
	}
	answer(w, http.StatusOK, s.counted(s.named(r), session))
}

func (s *Server) expired(session object) bool {
	end := int64(number(session["expires"]))
	return end > 0 && s.options.Now().Unix() >= end
}

// addKey makes a session, under a key of its own or the one of the path; one that is there is replaced.
func (s *Server) addKey(w http.ResponseWriter, r *http.Request) {
	session, ok := body(w, r)
	if !ok {
		return
	}
	key := r.PathValue("key")
	if key == "" {
		key = text(session["org_id"]) + strings.ToLower(rand.Text()+rand.Text())
	}
	session["date_created"] = s.options.Now().UTC().Format("2006-01-02T15:04:05.999999999Z07:00")
	s.sessions[s.kept(key)] = session
	s.answerKey(w, key, "added")
}

func (s *Server) answerKey(w http.ResponseWriter, key, action string) {
	out := object{"key": key, "status": "ok", "action": action}
	if s.options.Hashed {
		out["key_hash"] = s.kept(key)
	}
	answer(w, http.StatusOK, out)
}

// replaceKey replaces all of a session: what is not sent is gone.
func (s *Server) replaceKey(w http.ResponseWriter, r *http.Request) {
	session, ok := body(w, r)
	if !ok {
		return
	}
	was, there := s.sessions[s.named(r)]
	if !there {
		refuse(w, http.StatusNotFound, "Key is not found")
		return
	}
	if session["date_created"] == nil {
		session["date_created"] = was["date_created"]
	}
	s.sessions[s.named(r)] = session
	done(w, r.PathValue("key"), "modified")
}

func (s *Server) removeKey(w http.ResponseWriter, r *http.Request) {
	if _, there := s.sessions[s.named(r)]; !there {
		refuse(w, http.StatusNotFound, "There is no such key found")
		return
	}
	delete(s.sessions, s.named(r))
	done(w, r.PathValue("key"), "deleted")
}
