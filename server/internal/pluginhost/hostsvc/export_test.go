package hostsvc

// CheckKey is the rule for keys.
func CheckKey(key string) error { return checkKey("the key", key, maxKey) }

// Granted are the methods that plugins may call, with their needs.
func Granted() map[string]bool {
	methods := map[string]bool{}
	for method := range grants {
		methods[method] = true
	}
	return methods
}

// KeepAudit changes how many audit records of a plugin stay.
func (s *Store) KeepAudit(n int64) { s.auditKept = n }
