package proxy

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// aliveFunc returns a function that reports whether nc's peer still holds its end, without reading from it: false once it
// closed or reset the connection, or closed its sending half. It may be called from any goroutine, while others read
// and write. A connection without a descriptor is always alive.
func aliveFunc(nc net.Conn) func() bool {
	rc := rawConn(nc)
	if rc == nil {
		return func() bool { return true }
	}
	return func() bool {
		alive := true
		err := rc.Control(func(fd uintptr) {
			// As Postgres' client_connection_check_interval.
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
			if n, err := unix.Poll(fds, 0); err == nil && n > 0 {
				alive = fds[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) == 0
			}
		})
		return err == nil && alive
	}
}

// unread reports whether bytes have arrived on nc that nobody has read yet.
func unread(nc net.Conn) bool {
	rc := rawConn(nc)
	if rc == nil {
		return false
	}
	found := false
	err := rc.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		found = err == nil && n > 0
	})
	return err == nil && found
}

func rawConn(nc net.Conn) syscall.RawConn {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return rc
}
