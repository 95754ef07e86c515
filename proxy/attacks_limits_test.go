package proxy

import (
	"net"
	"sync"
	"syscall"
	"testing"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
)

var limitAttacks = attacktable.Tests{
	"4.4-unauthenticated-total":  over(Limits{Unauthenticated: 3}, "too many connections are logging in already"),
	"4.4-unauthenticated-per-ip": over(Limits{UnauthenticatedPerIP: 3}, "too many connections are logging in already"),
	"4.4-connections-total":      over(Limits{Connections: 3}, "sorry, too many clients already"),
	"4.4-connections-per-ip":     over(Limits{PerIP: 3}, "too many connections from this address"),

	"4.4-half-open": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c, _ := w.login("alice")
		s := w.session()
		if !s.Alive() {
			t.Fatal("a client that is there counts as gone")
		}
		c.send(query("busy"))
		c.Close()
		w.eventually("the session learns of it", func() bool { return !s.Alive() })
		close(s.release)
		w.counted(e)
	},

	"4.4-connect-storm": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, func(o *Options, _ *Listener) { o.Limits = Limits{Connections: 50, Unauthenticated: 40} })
		var dialers sync.WaitGroup
		for range 8 {
			dialers.Go(func() {
				for i := range 250 {
					nc, err := net.Dial("tcp", w.address)
					if err != nil {
						t.Error(err)
						return
					}
					if i%2 == 0 {
						nc.Write(sslRequest)
					}
					nc.(*net.TCPConn).SetLinger(0) // no port waits for its end
					nc.Close()
				}
			})
		}
		dialers.Wait()
		// Those that the kernel still had in its queue take slots for a moment.
		w.eventually("a login is "+e.Expect, func() bool {
			c := w.dial()
			defer c.Close()
			c.Write(good)
			return c.drive("token-alice").served
		})
		w.eventually("every slot is free", func() bool {
			l := w.server.limiter
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.byIP)+l.total+l.pending+l.refusing == 0
		})
	},

	"4.4-file-exhaustion": func(t *testing.T, e attacktable.Entry) {
		var failing *failingListener
		w := newWorld(t, func(_ *Options, l *Listener) {
			failing = &failingListener{Listener: l.Listener, errs: []error{
				&net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE},
				&net.OpError{Op: "accept", Net: "tcp", Err: syscall.ENFILE},
				&net.OpError{Op: "accept", Net: "tcp", Err: syscall.ECONNABORTED},
				&net.OpError{Op: "accept", Net: "tcp", Err: syscall.ENOBUFS},
			}}
			l.Listener = failing
		})
		c := w.dial()
		c.startTLS(nil)
		c.send(good)
		w.judge(e, c, "")
		if n := w.counter("accept_errors_total", "listener", "test"); n != 4 {
			t.Errorf("%v errors of accept were counted", n)
		}
		if n := w.logs.FilterMessage("accept failed, trying again").Len(); n != 1 {
			t.Errorf("one spell of errors was logged %d times", n)
		}
	},

	"4.4-probe-connect": probe(func(*client) {}),
	"4.4-probe-ssl": probe(func(c *client) {
		c.send(sslRequest)
		c.answered('S')
	}),
	"4.4-probe-isready": probe(func(c *client) {
		c.startTLS(nil)
		c.send(good)
		c.askedForPassword()
	}),
}

// over fills a limit of 3 and asserts what the fourth client is told, and that a freed slot can be taken again.
func over(l Limits, text string) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, func(o *Options, _ *Listener) { o.Limits = l })
		waiting := l.Unauthenticated+l.UnauthenticatedPerIP > 0
		var holding []*client
		for range 3 {
			if waiting {
				// Sessions do not count where logins do.
				w.login("alice")
				c := w.dial()
				c.startTLS(nil)
				holding = append(holding, c)
			} else {
				c, _ := w.login("alice")
				holding = append(holding, c)
			}
		}
		c := w.dial()
		c.startTLS(nil) // the error could not be read without
		c.send(good)
		o := w.judge(e, c, text)
		if o.asked {
			t.Error("the password was asked for")
		}
		open := w.server.Connections()
		holding[0].Close()
		w.eventually("a slot is free", func() bool { return w.server.Connections() < open })
		c = w.dial()
		c.startTLS(nil)
		c.send(good)
		if o := c.drive("token-bob"); !o.served {
			t.Errorf("the free slot was not given: %+v", o.err)
		}
	}
}

// probe is a connection that ends by itself after that: it is counted as one, and logged at debug only.
func probe(until func(*client)) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		until(c)
		c.Close()
		w.eventually("it is counted", func() bool { return w.counter("client_connection_probes_total", "listener", "test") == 1 })
		w.eventually("it is closed", func() bool { return w.server.Connections() == 0 })
		w.counted(e)
		for _, r := range w.logs.All() {
			if r.Level > -1 {
				t.Errorf("logged at %v: %s", r.Level, r.Message)
			}
		}
		if n := w.counter("auth_attempts_total"); n != 0 {
			t.Errorf("%v logins were counted", n)
		}
	}
}

// failingListener fails first.
type failingListener struct {
	net.Listener
	errs []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	return l.Listener.Accept()
}
