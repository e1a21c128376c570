// Package sdk is how plugins for Callboard are written in Go.
//
// A plugin is a program of its own. It says what it can do, and serves:
//
//	func main() {
//		p := sdk.New("hello", sdk.About{Version: "1.0.0"})
//		p.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
//			fmt.Fprintf(w, "Hello, %s\n", r.PathValue("name"))
//		})
//		p.Serve()
//	}
//
// What can be registered: routes ([Plugin.Handle]), catalog providers and processors ([Plugin.EntityProvider],
// [Plugin.Processor]), scaffolder actions ([Action]), template filters ([Filter]), widgets ([Plugin.Widget]), search
// documents ([Plugin.Collator]), tasks ([Plugin.Task]), permission rules ([Rule]), events ([Plugin.OnEvent]), and settings
// ([Settings]). What the host does for plugins is behind [Plugin.Host].
//
// Three laws hold for everything that is registered:
//
//   - It happens before [Plugin.Serve]. A mistake in it (a name used twice, a type without a schema) panics with a text
//     that says what to change: it is a mistake in the program, and found at its first start.
//   - The functions are called from many goroutines at once, unless their comment says otherwise.
//   - A panic in one of them fails that call only, and is logged with its stack. Errors that wrap [ErrNotFound] and its
//     siblings keep their meaning; the text of any other error goes to the log and not to callers.
package sdk
