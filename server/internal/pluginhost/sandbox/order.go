package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
)

// Descriptors of the launcher. The program, if it is started by descriptor, was opened by the host, which may have checked
// its hash: between the check and execve nobody can put another file in its place.
const (
	fdOrder   = 3
	fdAnswer  = 4
	fdProgram = 5
)

// maxOrder is far above any policy; the order comes from the host, so this only bounds accidents.
const maxOrder = 1 << 20

// order is what the host tells the launcher.
type order struct {
	Policy Policy   `json:"policy"`
	Argv   []string `json:"argv"`
	// Path is executed unless ByFD, which means descriptor 5.
	Path string `json:"path"`
	ByFD bool   `json:"byFD"`
	// What the host arranged when it started the launcher. The launcher looks for itself where it can.
	UID     uint32   `json:"uid"`
	OwnUser bool     `json:"ownUser"`
	HostNet string   `json:"hostNet"`
	Cgroup  bool     `json:"cgroup"`
	Notes   []string `json:"notes"`
}

// answer is one line from the launcher: the report, then either a failure, or the end of the stream when execve succeeded,
// or Started and Exit from a launcher that stays as process 1.
type answer struct {
	Report  *Report  `json:"report,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
	Started bool     `json:"started,omitempty"`
	Exit    *Exit    `json:"exit,omitempty"`
}

// Failure is why the launcher did not become the plugin.
type Failure struct {
	// Exec: the kernel refused the program. Otherwise the sandbox could not be made.
	Exec   bool   `json:"exec"`
	Reason string `json:"reason"`
	// Errno is the system's number of the error; 0 = there was none.
	Errno int `json:"errno"`
}

func (f *Failure) Error() string { return f.Reason }

// Exit is how the program under a launcher that stayed has ended.
type Exit struct {
	Code   int `json:"code"`
	Signal int `json:"signal"`
}

func readOrder(r io.Reader) (*order, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxOrder))
	if err != nil {
		return nil, fmt.Errorf("read the order: %w", err)
	}
	var o order
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("read the order (plugin-exec is started by the host alone): %w", err)
	}
	return &o, nil
}

func send(w io.Writer, a answer) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

var _ error = (*Failure)(nil)
