package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// session is a WebSocket step.
type session struct {
	Path, Token  string
	Send         []any
	Triggers     []map[string]any
	SettleMs     int
	TimeoutMs    int
	WaitMessages *int
	QuietMs      int
}

func (r *Runner) webSocket(ctx context.Context, spec any, vars map[string]string) (*answer, error) {
	triggers := lookup(spec, "/triggers") // filled in when they are sent
	expanded, err := r.expand(without(spec, "triggers"), vars)
	if err != nil {
		return nil, err
	}
	var s session
	data, _ := json.Marshal(expanded)
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if list, ok := triggers.([]any); ok {
		for _, t := range list {
			s.Triggers = append(s.Triggers, t.(map[string]any))
		}
	}
	var protocols []string
	switch s.Token {
	case "none":
	case "", "guest":
		token, err := r.guestToken(ctx)
		if err != nil {
			return nil, err
		}
		protocols = []string{token}
	default:
		protocols = []string{s.Token}
	}
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(r.base, "http")+s.Path, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		return &answer{0, http.Header{}, map[string]any{"opened": false, "protocolEchoed": nil, "triggers": []any{}, "messages": []any{}}}, nil
	}
	defer conn.CloseNow()
	var echoed any
	if protocols != nil {
		echoed = conn.Subprotocol() == protocols[0]
	}
	sent, messages, err := r.talk(ctx, conn, s, vars)
	if err != nil {
		return nil, err
	}
	return &answer{101, http.Header{}, map[string]any{"opened": true, "protocolEchoed": echoed, "triggers": sent, "messages": messages}}, nil
}

func (r *Runner) talk(ctx context.Context, conn *websocket.Conn, s session, vars map[string]string) (sent, messages []any, err error) {
	for _, m := range s.Send {
		if err := conn.Write(ctx, websocket.MessageText, []byte(stable(m))); err != nil {
			return nil, nil, err
		}
	}
	time.Sleep(orDefault(s.SettleMs, 300))
	sent, messages = []any{}, []any{}
	for _, t := range s.Triggers {
		got, err := r.request(ctx, without(t, "capture"), vars, "", Step{})
		if err != nil {
			return nil, nil, err
		}
		sent = append(sent, float64(got.status))
		if captures, ok := t["capture"].(map[string]any); ok {
			for name, from := range captures {
				vars[name], _ = got.capture(from.(string))
			}
		}
	}
	want := 1
	if s.WaitMessages != nil {
		want = *s.WaitMessages
	}
	timeout := orDefault(s.TimeoutMs, 4000)
	for wait := timeout; ; wait = time.Duration(s.QuietMs) * time.Millisecond {
		if len(messages) < want {
			wait = timeout
		} else if s.QuietMs == 0 {
			return sent, messages, nil
		}
		ctx, cancel := context.WithTimeout(ctx, wait)
		_, data, err := conn.Read(ctx)
		cancel()
		if err != nil {
			return sent, messages, nil //nolint:nilerr // silence ends the wait
		}
		var v any
		if json.Unmarshal(data, &v) != nil {
			v = string(data)
		}
		messages = append(messages, v)
	}
}

func orDefault(ms, def int) time.Duration {
	if ms == 0 {
		ms = def
	}
	return time.Duration(ms) * time.Millisecond
}

func without(v any, key string) any {
	out := map[string]any{}
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			if k != key {
				out[k] = x
			}
		}
	}
	return out
}
