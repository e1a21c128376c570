package hostsvc

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// credentials asks the kernel who opened a connection (SO_PEERCRED): the process and user at the time of connecting, in
// the namespaces of this process.
func credentials(conn net.Conn) (pid int, uid uint32, err error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, 0, fmt.Errorf("a connection of type %T has no peer credentials", conn)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var creds *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		creds, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return 0, 0, err
	}
	return int(creds.Pid), creds.Uid, nil
}
