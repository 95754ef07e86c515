package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

func TestServeReturnsAListenersFailure(t *testing.T) {
	w := prepareWorld(t, nil, func(_ *Options, l *Listener) {
		l.Listener = &failingListener{Listener: l.Listener, errs: []error{errors.New("the port is on fire")}}
	})
	err := w.server.Serve(w.listener)
	if err == nil || errors.Is(err, ErrServerClosed) || !strings.Contains(err.Error(), "on fire") || !strings.Contains(err.Error(), "test") {
		t.Errorf("Serve returned %v", err)
	}
	if _, err := net.Dial("tcp", w.address); err == nil {
		t.Error("the listener is still open")
	}
}

func TestAcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := make([]error, 20)
		for i := range errs {
			errs[i] = syscall.EMFILE
		}
		w := pipeWorld(t, false, func(_ *Options, l *Listener) {
			l.Listener = &failingPipes{pipeListener: l.Listener.(*pipeListener), errs: errs}
		})
		began := time.Now()
		ours, theirs := net.Pipe()
		w.listener.Listener.(*failingPipes).conns <- theirs
		ours.Close()
		// 5, 10, 20 ... 640 ms, then a second each: never a busy loop, never longer.
		if took := time.Since(began); took < 12*time.Second || took > 14*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// failingPipes is a pipeListener that fails first.
type failingPipes struct {
	*pipeListener
	errs []error
}

func (l *failingPipes) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	return l.pipeListener.Accept()
}

// A process that has used up its descriptors serves again once there are some. It runs in a process of its own.
func TestFileExhaustion(t *testing.T) {
	if os.Getenv("PGTURNSTILE_TEST_EXHAUST") != "" {
		exhaustFiles(t)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestFileExhaustion$", "-test.v")
	cmd.Env = append(os.Environ(), "PGTURNSTILE_TEST_EXHAUST=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "served again") {
		t.Errorf("%v\n%s", err, out)
	}
}

func exhaustFiles(t *testing.T) {
	w := newWorld(t, nil)
	limit := syscall.Rlimit{Cur: 64, Max: 64}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var held []net.Conn
	for w.counter("accept_errors_total") < 1 {
		nc, err := net.Dial("tcp", w.address)
		if err != nil {
			if len(held) == 0 {
				t.Fatal(err)
			}
			// Both ends live in this process: leave the last descriptor to no one, the next accept fails.
			continue
		}
		held = append(held, nc)
	}
	for _, nc := range held {
		nc.Close()
	}
	w.eventually("the descriptors are free", func() bool { return w.server.Connections() == 0 })
	w.login("alice")
	t.Log("served again")
}

func TestTheCauseOfEveryErrnoIsKnown(t *testing.T) {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED, syscall.ENOMEM} {
		if !temporary(&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", e)}) {
			t.Errorf("%v ends the server", e)
		}
	}
	for _, err := range []error{net.ErrClosed, syscall.EBADF, syscall.EINVAL, io.EOF} {
		if temporary(&net.OpError{Op: "accept", Err: err}) {
			t.Errorf("%v is taken for temporary", err)
		}
	}
}

func TestLimiterGivesEverySlotBackOnce(t *testing.T) {
	l := newLimiter(Limits{Connections: 30, PerIP: 10, Unauthenticated: 12, UnauthenticatedPerIP: 5})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			ip := netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 4)})
			if i%5 == 0 {
				ip = netip.Addr{}
			}
			for j := range 500 {
				s, why := l.admit(ip)
				if s == nil {
					continue
				}
				if why == admitted && j%2 == 0 {
					s.authenticated()
					s.authenticated()
				}
				l.mu.Lock()
				if l.total > 30 || l.pending > 12 || l.pending < 0 || l.refusing > maxRefusing {
					t.Errorf("%d connections, %d logins", l.total, l.pending)
				}
				for _, c := range l.byIP {
					if c.total > 10 || c.pending > 5 || c.pending < 0 {
						t.Errorf("%+v of one address", *c)
					}
				}
				l.mu.Unlock()
				s.release()
				s.release()
				s.authenticated()
			}
		})
	}
	all.Wait()
	if l.total != 0 || l.pending != 0 || l.refusing != 0 || len(l.byIP) != 0 {
		t.Errorf("left: %d connections, %d logins, %d refusals, %d addresses", l.total, l.pending, l.refusing, len(l.byIP))
	}
}

func TestClientsAreCountedByNetwork(t *testing.T) {
	for _, test := range [][2]string{
		{"192.0.2.1", "192.0.2.1/32"}, {"::ffff:192.0.2.1", "192.0.2.1/32"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"}, {"fe80::1%eth0", "fe80::/64"},
	} {
		if got := clientNet(netip.MustParseAddr(test[0])).String(); got != test[1] {
			t.Errorf("%s is counted as %s", test[0], got)
		}
	}
	if clientNet(netip.Addr{}).IsValid() {
		t.Error("a Unix socket is counted by an address")
	}
}

// Behind a load balancer all clients have its addresses.
func TestSharedAddressesAreNotLimited(t *testing.T) {
	w := newWorld(t, func(o *Options, l *Listener) {
		o.Limits = Limits{PerIP: 1, UnauthenticatedPerIP: 1}
		l.SharedAddresses = true
	})
	for range 3 {
		w.login("alice")
	}
}

// Too many to be refused one by one: the rest is closed at once, and costs no goroutine.
func TestRefusalsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pipeWorld(t, false, func(o *Options, _ *Listener) { o.Limits.Connections = 1 })
		c := w.pipe()
		c.send(good)
		c.drive("token-alice")
		var waiting []*client
		for range maxRefusing {
			waiting = append(waiting, w.pipe())
		}
		synctest.Wait()
		if n := w.server.Connections(); n != 1+maxRefusing {
			t.Errorf("%d connections", n)
		}
		w.pipe().closed()
		waiting[0].send(good)
		waiting[0].fatal("53300", "sorry, too many clients already")
		began := time.Now()
		waiting[1].closed()
		if took := time.Since(began); took != refusingTimeout {
			t.Errorf("a silent one is held for %v", took)
		}
		if n := w.counter("client_connections_rejected_total", "reason", "max_total"); n != maxRefusing+1 {
			t.Errorf("%v were counted", n)
		}
	})
}

func TestAlive(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "s")
			}
			l, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for name, leave := range map[string]func(net.Conn){
				"close":      func(nc net.Conn) { nc.Close() },
				"half close": func(nc net.Conn) { nc.(interface{ CloseWrite() error }).CloseWrite() },
			} {
				ours, err := net.Dial(network, l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer ours.Close()
				theirs, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer theirs.Close()
				alive := aliveFunc(theirs)
				ours.Write([]byte("unread"))
				if !alive() {
					t.Errorf("%s: gone before it left", name)
				}
				leave(ours)
				deadline := time.Now().Add(patience)
				for alive() {
					if time.Now().After(deadline) {
						t.Fatalf("%s: never noticed", name)
					}
				}
				theirs.Close()
				if alive() {
					t.Errorf("%s: alive after its own close", name)
				}
			}
		})
	}
	ours, theirs := net.Pipe()
	ours.Close()
	if !aliveFunc(theirs)() {
		t.Error("a connection without a descriptor counts as gone")
	}
}

func TestContradictingOptionsAreABug(t *testing.T) {
	one := Route{Database: "a"}
	for name, o := range map[string]Options{
		"no verifier":            {},
		"two routes of one name": {Verifier: &fakeVerifier{}, Routes: []Route{one, one}},
		"no default route":       {Verifier: &fakeVerifier{}, DefaultRoute: "nothing"},
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.HasPrefix(fmt.Sprint(p), "BUG: ") {
					t.Errorf("%s: %v", name, p)
				}
			}()
			New(prometheus.NewRegistry(), zap.NewNop(), o)
		}()
	}
}
