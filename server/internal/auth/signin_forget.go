package auth

import "net/http"

// ForgetSignIn takes back the cookies of a provider's session, whether or not they came with the request: pages below
// other paths do not get them.
func (s *Service) ForgetSignIn(w http.ResponseWriter, r *http.Request, provider string) {
	s.signIn.Forget(w, r, provider)
}
