package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is a plugin's program about to be started under a policy.
type Command struct {
	// Self is the binary that holds the launcher; "" = the running one, by its inode: a host that was replaced on disk goes
	// on with the launcher that it knows.
	Self   string
	Policy Policy
	Owner  Owner
	Argv   []string
	// Path is what is executed, by its name if Program is nil.
	Path    string
	Program *os.File
	Dir     string
	Env     []string
	// Stdout and Stderr are the child's ends of pipes. Start does not close them.
	Stdout, Stderr *os.File
	// Cgroup is a descriptor of the control group to start in; 0 = the host's own.
	Cgroup int
	// Notes are put before those of the report.
	Notes []string
}

// Child is a started launcher.
type Child struct {
	*exec.Cmd
	order *order
	// mu makes Ended wait for Hand, which ends when the process does.
	mu      sync.Mutex
	answers *os.File
	decoder *json.Decoder
	// toLauncher takes the order.
	toLauncher *os.File
}

// isolation is one way to start the launcher.
type isolation struct {
	flags uintptr
	note  string // why it is less than the one before
}

const spaces = unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC

// ways are tried in order. The calling thread must stay locked to its goroutine until the child has been waited for:
// the child is killed when the thread that started it ends.
func (c *Command) ways() []isolation {
	apart := uintptr(spaces)
	if c.Policy.Network {
		apart &^= unix.CLONE_NEWNET
	}
	ways := []isolation{{flags: unix.CLONE_NEWUSER | apart}}
	if os.Geteuid() == 0 {
		ways = append(ways, isolation{apart, "there are no user namespaces here"})
	}
	return append(ways, isolation{0, "there are no namespaces here, so what the plugin starts may outlive a host that is killed"})
}

// Start starts the launcher, which waits for [Child.Hand]. The calling thread, which is locked to its goroutine and ends
// with it, gives up its priority first, so that the launcher has the plugin's from its first instruction.
func (c *Command) Start() (*Child, error) {
	weigh()
	ways := c.ways()
	if c.Policy.Level == Off {
		ways = []isolation{{}}
	}
	var notes []string
	for i, way := range ways {
		if way.note != "" {
			notes = append(notes, way.note)
		}
		child, err := c.start(way, slices.Concat(c.Notes, notes))
		if err == nil {
			return child, nil
		}
		if i == len(ways)-1 || !namespaceError(err) {
			return nil, err
		}
		notes = append(notes, "namespaces were refused: "+err.Error())
	}
	return nil, errors.New("there is no way to start a process")
}

// namespaceError tells errors that a start with fewer namespaces may avoid.
func namespaceError(err error) bool {
	for _, errno := range []error{unix.EPERM, unix.EINVAL, unix.ENOSPC, unix.ENOSYS, unix.EUSERS, unix.EACCES} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func (c *Command) start(way isolation, notes []string) (*Child, error) {
	orderRead, orderWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer orderRead.Close()
	answerRead, answerWrite, err := os.Pipe()
	if err != nil {
		orderWrite.Close()
		return nil, err
	}
	defer answerWrite.Close()
	self := c.Self
	if self == "" {
		self = "/proc/self/exe"
	}
	cmd := &exec.Cmd{
		Path: self, Args: []string{"callboard", "plugin-exec"}, Dir: c.Dir, Env: c.Env, Stdout: c.Stdout, Stderr: c.Stderr,
		ExtraFiles: []*os.File{orderRead, answerWrite}, SysProcAttr: c.attributes(way),
	}
	if c.Program != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, c.Program)
	}
	if err := cmd.Start(); err != nil { // stdin is /dev/null
		orderWrite.Close()
		answerRead.Close()
		return nil, err
	}
	hostNet, _ := os.Readlink("/proc/self/ns/net") // without it the launcher reports no network of its own
	return &Child{
		Cmd: cmd, answers: answerRead, decoder: json.NewDecoder(bufio.NewReader(answerRead)), toLauncher: orderWrite,
		order: &order{
			Policy: c.Policy, Argv: c.Argv, Path: c.Path, ByFD: c.Program != nil, UID: c.Owner.UID,
			OwnUser: c.Owner.Own || way.flags&unix.CLONE_NEWUSER != 0, HostNet: hostNet, Cgroup: c.Cgroup != 0, Notes: notes,
		},
	}, nil
}

// attributes put the child into a session of its own (no terminal, no Ctrl-C, a process group to kill) and into the
// namespaces of way, as the plugin's user.
func (c *Command) attributes(way isolation) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL, Cloneflags: way.flags}
	if c.Cgroup != 0 {
		attr.UseCgroupFD, attr.CgroupFD = true, c.Cgroup
	}
	inside := c.ownerInside()
	if way.flags&unix.CLONE_NEWUSER != 0 {
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: int(inside.UID), HostID: int(c.Owner.UID), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: int(inside.GID), HostID: int(c.Owner.GID), Size: 1}}
		attr.Credential = &syscall.Credential{Uid: inside.UID, Gid: inside.GID, NoSetGroups: os.Geteuid() != 0}
		attr.GidMappingsEnableSetgroups = os.Geteuid() == 0
	} else if c.Owner.Own {
		attr.Credential = &syscall.Credential{Uid: c.Owner.UID, Gid: c.Owner.GID}
	}
	if c.Policy.Forward != 0 && way.flags&unix.CLONE_NEWNET != 0 {
		attr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
	}
	return attr
}

// nobody is who root is inside a user namespace: as number 0 it would have all capabilities there.
const nobody = 65534

func (c *Command) ownerInside() Owner {
	inside := c.Owner
	if inside.UID == 0 {
		inside.UID = nobody
	}
	if inside.GID == 0 {
		inside.GID = nobody
	}
	return inside
}

// Hand gives the launcher its order and waits for what came of it: nil when the plugin's program runs.
func (c *Child) Hand(deadline time.Time) (Report, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.give(deadline); err != nil {
		return Report{}, err
	}
	if err := c.answers.SetReadDeadline(deadline); err != nil {
		return Report{}, err
	}
	var report Report
	var reported bool
	for {
		var a answer
		err := c.decoder.Decode(&a)
		switch {
		case errors.Is(err, io.EOF) && reported:
			return report, nil // execve closed the pipe
		case err != nil:
			return report, fmt.Errorf("the launcher did not answer: %w", err)
		case a.Report != nil:
			report, reported = *a.Report, true
		case a.Failure != nil:
			return report, a.Failure
		case a.Started:
			return report, c.answers.SetReadDeadline(time.Time{})
		}
	}
}

func (c *Child) give(deadline time.Time) error {
	defer c.toLauncher.Close()
	if err := c.toLauncher.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if err := json.NewEncoder(c.toLauncher).Encode(c.order); err != nil {
		return fmt.Errorf("give the launcher its order: %w", err)
	}
	return nil
}

// Ended is how the program of a launcher that stayed has ended; nil = the process itself was the program. Called once the
// process has ended.
func (c *Child) Ended() *Exit {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.toLauncher.Close() // in case nobody has handed it the order
	defer c.answers.Close()
	for {
		var a answer
		if err := c.decoder.Decode(&a); err != nil {
			return nil
		}
		if a.Exit != nil {
			return a.Exit
		}
	}
}
