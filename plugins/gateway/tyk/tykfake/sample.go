package tykfake

import "encoding/json"

// PutAPI and PutPolicy put objects in as if they had been there before, and loaded. PutKey puts a session in.
func (s *Server) PutAPI(definition map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apis[text(definition["api_id"])] = plain(definition)
	s.load()
}

// PutPolicy is [Server.PutAPI] for a policy.
func (s *Server) PutPolicy(policy map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policies[text(policy["id"])] = plain(policy)
	s.load()
}

// PutKey puts the session of a key in.
func (s *Server) PutKey(key string, session map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[s.kept(key)] = plain(session)
}

// plain is an object as it is read from JSON.
func plain(o object) object {
	data, err := json.Marshal(o)
	if err != nil {
		panic("tykfake: " + err.Error())
	}
	var out object
	_ = json.Unmarshal(data, &out) // it was just written
	return out
}

// Sample puts APIs in as a company might have them: orders and payments ask for keys, status lets in everybody.
func (s *Server) Sample() {
	for _, name := range []string{"orders", "payments", "status"} {
		s.PutAPI(map[string]any{
			"api_id": name, "name": name, "slug": name, "org_id": "acme", "active": true, "use_keyless": name == "status",
			"auth":  map[string]any{"auth_header_name": "Authorization"},
			"proxy": map[string]any{"listen_path": "/" + name + "/", "target_url": "http://" + name + ".internal:8080", "strip_listen_path": true},
		})
	}
}
