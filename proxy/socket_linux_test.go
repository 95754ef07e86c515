package proxy

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// A client that vanished without a word is given up by the kernel: idle connections are probed.
func TestKeepAlive(t *testing.T) {
	l, err := Listen(t.Context(), ListenOptions{Name: "test", Network: "tcp", Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	rc, err := theirs.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, option := range []struct {
		name              string
		level, opt, value int
	}{
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 60},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 4},
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	} {
		err := rc.Control(func(fd uintptr) {
			got, err := unix.GetsockoptInt(int(fd), option.level, option.opt)
			if err != nil || got != option.value {
				t.Errorf("%s is %d, %v", option.name, got, err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
