package shell

import "context"

// Viewer is who looks at a page.
type Viewer struct {
	// Token is what the viewer signed in with, "" = nobody has. It is sent to the host's own API and nowhere else.
	Token string
	// Subject is a user's entity ref, or the name of a service.
	Subject string
	// Person is a user, as opposed to a service.
	Person bool
	// Facts and Operate are the rights to see the state of the host, and to restart plugins and read their logs. Both may be
	// held without signing in, on the machine itself.
	Facts, Operate bool
	// Ended tells of a token that was good and is not any more.
	Ended bool
}

// SignedIn reports whether pages can be asked for in the viewer's name.
func (v Viewer) SignedIn() bool { return v.Token != "" }

type viewerKey struct{}

// WithViewer is a context of a request that v has made.
func WithViewer(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// ViewerOf is who has made the request of ctx; nobody unless [WithViewer] said so.
func ViewerOf(ctx context.Context) Viewer {
	v, _ := ctx.Value(viewerKey{}).(Viewer)
	return v
}
