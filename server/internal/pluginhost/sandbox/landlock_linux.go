package sandbox

import (
	"fmt"
	"os"
	"strconv"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// What programs of every language read. Nothing here tells of the host's users, secrets or other processes.
var (
	systemFolders = []string{
		"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
		"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies", "/etc/alternatives", "/etc/ld.so.conf.d",
		"/sys/kernel/mm/transparent_hugepage", "/proc/self",
	}
	systemFiles = []string{
		"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime", "/etc/timezone", "/etc/mime.types",
		"/etc/hosts", "/etc/resolv.conf", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
		"/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version", "/proc/filesystems",
		"/proc/sys/kernel/osrelease", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/random/uuid",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/vm/max_map_count", "/proc/sys/net/core/somaxconn",
		"/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible",
	}
	devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
)

// Interfaces of Landlock that add something.
const (
	abiRefer  = 2
	abiScopes = 6
)

const (
	readWrite = landlock.AccessFSSet(ll.AccessFSReadFile | ll.AccessFSReadDir | ll.AccessFSWriteFile | ll.AccessFSTruncate |
		ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSock |
		ll.AccessFSMakeFifo | ll.AccessFSMakeSym)
	// dataAccess reads, and executes nothing.
	dataAccess   = landlock.AccessFSSet(ll.AccessFSReadFile | ll.AccessFSReadDir)
	deviceAccess = landlock.AccessFSSet(ll.AccessFSReadFile | ll.AccessFSWriteFile)
)

// landlock confines files, TCP, signals and abstract sockets, as far as the kernel's interface goes. Path sockets stay
// reachable: those to the host stand in folders of the policy.
func (l *launcher) landlock() error {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		l.report.note("files are not confined: the kernel has no Landlock, or it is not among its security modules")
		return nil
	}
	rules, err := l.landlockRules(abi)
	if err != nil {
		return err
	}
	config := landlock.V11.BestEffort()
	if l.order.Policy.Network {
		config.HandledAccessNet = 0
	}
	fd, flags, err := config.NewRulesetFD(rules...)
	if err != nil {
		return fmt.Errorf("make Landlock rules: %w", err)
	}
	defer unix.Close(fd)
	if err := ll.LandlockRestrictSelf(fd, flags); err != nil {
		return fmt.Errorf("apply Landlock rules: %w", err)
	}
	l.report.Landlock = abi
	if abi < abiScopes {
		l.report.note("signals and abstract sockets are not confined: the kernel has Landlock ", strconv.Itoa(abi), ", ", strconv.Itoa(abiScopes), " is needed")
	}
	return nil
}

func (l *launcher) landlockRules(abi int) ([]landlock.Rule, error) {
	p := l.order.Policy
	rules := []landlock.Rule{
		landlock.RODirs(systemFolders...).IgnoreIfMissing(),
		landlock.ROFiles(systemFiles...).IgnoreIfMissing(),
		landlock.PathAccess(deviceAccess, devices...).IgnoreIfMissing(),
	}
	for _, path := range p.ReadOnly {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("let the plugin read %s: %w", path, err)
		case info.IsDir():
			rules = append(rules, landlock.RODirs(path))
		default:
			rules = append(rules, landlock.ROFiles(path))
		}
	}
	for _, path := range p.Readable {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			l.report.note("the plugin cannot read ", path, ": ", err.Error())
		case info.IsDir():
			rules = append(rules, landlock.PathAccess(dataAccess, path))
		default:
			rules = append(rules, landlock.PathAccess(landlock.AccessFSSet(ll.AccessFSReadFile), path))
		}
	}
	for _, path := range p.ReadWrite {
		rules = append(rules, writable(abi, path))
	}
	for _, path := range p.Sockets {
		rules = append(rules, writable(abi, path).WithResolveUnix())
	}
	if p.Forward != 0 && !p.Network {
		rules = append(rules, landlock.ConnectTCP(p.Forward))
	}
	return rules, nil
}

// writable lets files be moved between folders where the kernel can tell, and never lets them be executed: what a plugin
// downloads or is tricked to write does not become a program.
func writable(abi int, path string) landlock.FSRule {
	rule := landlock.PathAccess(readWrite, path)
	if abi >= abiRefer {
		rule = rule.WithRefer()
	}
	return rule
}
