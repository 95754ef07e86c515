package proxy

import (
	"crypto/tls"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
)

// slowAttacks hold a connection for as long as they can: up to the login deadline, wherever they are.
var slowAttacks = attacktable.Tests{
	"4.4-silent": stalled(false, nil, nil),
	"4.4-slow-hello": stalled(true, func(c *client) {
		c.send(sslRequest)
		c.answered('S')
	}, clientHello),
	"4.4-tls-stalled": stalled(true, func(c *client) {
		c.send(sslRequest)
		c.answered('S')
		c.send(clientHello())
		if _, err := io.ReadFull(c, make([]byte, 100)); err != nil { // a part of the server's flight
			c.t.Fatal(err)
		}
	}, nil),
	"4.4-slow-startup": stalled(false, nil, func() []byte { return good }),
	"4.4-slow-password": stalled(false, func(c *client) {
		c.send(good)
		c.askedForPassword()
	}, func() []byte { return password("token-alice") }),
}

// stalled is an attack that comes so far and then sends dripped at one byte a second, or nothing.
func stalled(withTLS bool, begin func(*client), dripped func() []byte) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		synctest.Test(t, func(t *testing.T) {
			w := pipeWorld(t, withTLS, nil)
			c := w.pipe()
			began := time.Now()
			if begin != nil {
				begin(c)
			}
			var dripping sync.WaitGroup
			defer dripping.Wait()
			if dripped != nil {
				dripping.Go(func() {
					for _, b := range dripped() {
						time.Sleep(time.Second)
						if _, err := c.Write([]byte{b}); err != nil {
							return
						}
					}
				})
			}
			if e.ID == "4.4-tls-stalled" {
				c.rest()
				w.verdict(e, outcome{closed: true}, "")
			} else {
				text := ""
				if e.Expect == "57014" {
					text = "canceling authentication due to timeout"
				}
				o := c.drive("")
				w.verdict(e, o, text)
			}
			if took := time.Since(began); took < 15*time.Second || took > 18*time.Second {
				t.Errorf("it took %v", took)
			}
			w.eventually("the connection is gone", func() bool { return w.server.Connections() == 0 })
		})
	}
}

// clientHello is a ClientHello of crypto/tls, as one record.
func clientHello() []byte {
	r := &firstRecord{}
	_ = tls.Client(r, &tls.Config{InsecureSkipVerify: true}).Handshake() // fails: nobody answers
	return r.sent
}
