package launch

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// diagnose tells in words why there was no handshake. failed is what the launcher said; err is go-plugin's, the last resort.
func (p *Process) diagnose(ctx context.Context, failed, err error) *StartError {
	if failed != nil {
		return p.diagnoseLauncher(failed)
	}
	p.gone(ctx, lastWords)
	p.Kill()
	<-p.exited
	e := &StartError{Stage: StageHandshake, Err: err}
	first, oversized := p.output.firstLine()
	switch {
	case oversized:
		e.Reason = fmt.Sprintf("its first line on stdout is longer than %d bytes", maxHandshake)
		e.Hint = hintStdout
	case first != "":
		e.Reason, e.Hint = readHandshake(first, p.spec.RuntimeDir)
		if e.Reason == "" {
			e.Reason = "the handshake failed: " + err.Error()
		}
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		e.Reason, e.Err = fmt.Sprintf("it did not shake hands within %s", p.spec.HandshakeTimeout), context.DeadlineExceeded
		e.Hint = `it must print the line "1|1|unix|$CALLBOARD_RUNTIME_DIR/rpc.sock|grpc" on stdout, and flush it, as soon as it serves`
	case ctx.Err() != nil:
		e.Reason, e.Err = "the start was cancelled", ctx.Err()
	default:
		e.Reason = "it ended before the handshake: " + p.ExitReason()
	}
	return e
}

// lastWords is for a process that has closed its stdout and is about to say why on stderr, and end.
const lastWords = 500 * time.Millisecond

const hintStdout = "the first line on stdout belongs to the handshake: log to stderr instead"

// readHandshake finds what is wrong with a first line; "" = nothing that can be seen in it.
func readHandshake(line, runtimeDir string) (reason, hint string) {
	own := runtimeDir + "/" + SocketRPC
	fields := strings.Split(strings.TrimSpace(line), "|")
	core, err := strconv.Atoi(fields[0])
	switch {
	case err != nil || len(fields) < 4:
		return fmt.Sprintf("the plugin printed %s before the handshake", strconv.Quote(excerpt.Short(line))), hintStdout
	case core != 1:
		return fmt.Sprintf("it speaks handshake version %d, and this host speaks 1", core), "update the plugin's SDK"
	case fields[1] != strconv.Itoa(AppProtocol):
		return fmt.Sprintf("it speaks plugin protocol %s, and this host speaks %d", excerpt.Short(fields[1]), AppProtocol), "install a version of the plugin for this version of Callboard"
	case len(fields) < handshakeFields || fields[4] != "grpc":
		return "it does not speak gRPC", "the handshake line ends in |grpc"
	case fields[2] != "unix" || fields[3] != own:
		return fmt.Sprintf("it announced the address %s, and must listen on %s", strconv.Quote(excerpt.Short(fields[2]+" "+fields[3])), own), "listen on $CALLBOARD_RUNTIME_DIR/" + SocketRPC
	}
	return "", ""
}

// diagnoseLauncher tells why the program did not run at all.
func (p *Process) diagnoseLauncher(err error) *StartError {
	failure, ok := errors.AsType[*sandbox.Failure](err)
	switch {
	case !ok:
		return &StartError{Stage: StageSpawn, Reason: "its launcher could not be started: " + err.Error(), Err: err}
	case !failure.Exec:
		return &StartError{Stage: StageSandbox, Reason: failure.Reason, Hint: "see callboard.pluginHost.sandbox", Err: err}
	}
	e := &StartError{Stage: StageExec, Reason: failure.Reason, Err: err}
	switch syscall.Errno(failure.Errno) {
	case syscall.ENOEXEC:
		e.Reason, e.Hint = "its program is not one for this system", "build it for "+runtime.GOOS+"/"+runtime.GOARCH
		if built := builtFor(p.command.Path); built != "" && built != runtime.GOARCH {
			e.Reason = fmt.Sprintf("its program is built for %s, and this machine is %s", built, runtime.GOARCH)
		}
	case syscall.ENOENT:
		if loader := missingLoader(p.command.Path); loader != "" {
			e.Reason = fmt.Sprintf("its program needs %s, which is not there", loader)
			e.Hint = "build it for this system's C library, or without one (CGO_ENABLED=0)"
		}
	case syscall.EACCES:
		e.Hint = "its user must be allowed to execute the program, on a file system that is not mounted noexec"
	}
	return e
}

var machines = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_386: "386", elf.EM_ARM: "arm", elf.EM_RISCV: "riscv64", elf.EM_PPC64: "ppc64", elf.EM_S390: "s390x",
}

// builtFor is the architecture of an ELF file, of which the header is enough; "" = it is none.
func builtFor(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	var head [20]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:4]) != elf.ELFMAG {
		return ""
	}
	number := binary.LittleEndian.Uint16(head[18:])
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		number = binary.BigEndian.Uint16(head[18:])
	}
	machine := elf.Machine(number)
	if name, ok := machines[machine]; ok {
		return name
	}
	return machine.String()
}

// missingLoader is the interpreter that an ELF file or a script names, if it is not there.
func missingLoader(path string) string {
	name := ""
	if f, err := elf.Open(path); err == nil {
		defer f.Close()
		for _, segment := range f.Progs {
			if segment.Type == elf.PT_INTERP && segment.Filesz < 4096 {
				data := make([]byte, segment.Filesz)
				if _, err := segment.ReadAt(data, 0); err == nil {
					name = strings.TrimRight(string(data), "\x00")
				}
			}
		}
	} else {
		name = shebang(path)
	}
	if _, err := os.Stat(name); name == "" || err == nil {
		return ""
	}
	return name
}

func shebang(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := f.Read(head)
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	if words := strings.Fields(strings.TrimPrefix(line, "#!")); strings.HasPrefix(line, "#!") && len(words) > 0 {
		return words[0]
	}
	return ""
}
