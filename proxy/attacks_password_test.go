package proxy

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/session"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

var passwordAttacks attacktable.Tests

func init() { // the tests themselves ask which these are
	passwordAttacks = attacktable.Tests{
		"4.4-password-type":          inPlaceOfPassword("expected password response, got message type 83", typed('S', nil)),
		"4.4-password-length-3":      inPlaceOfPassword("invalid message length", declaredPassword(3)),
		"4.4-password-length-4":      inPlaceOfPassword("invalid password packet size", declaredPassword(4)),
		"4.4-password-no-nul":        inPlaceOfPassword("invalid password packet size", typed('p', []byte("token-alice"))),
		"4.4-password-nul-inside":    inPlaceOfPassword("invalid password packet size", typed('p', []byte("token\x00-alice\x00"))),
		"4.4-password-65536":         inPlaceOfPassword("invalid message length", password(strings.Repeat("x", 65536-4-1))),
		"4.4-password-negative":      inPlaceOfPassword("invalid message length", declaredPassword(0xfffffff0)),
		"4.4-password-empty":         inPlaceOfPassword("empty password returned by client", password("")),
		"4.4-terminate-for-password": inPlaceOfPassword("expected password response, got message type 88", typed('X', nil)),
		"4.4-copydata-for-password":  inPlaceOfPassword("expected password response, got message type 100", typed('d', []byte("x"))),
		"4.4-password-65535": func(t *testing.T, e attacktable.Entry) {
			r := newRealWorld(t, nil)
			c := r.asked("neondb")
			c.send(password(strings.Repeat("x", 65535-4-1)))
			r.verdict(e, c.drive(""), "")
		},
		"4.4-password-1gb": func(t *testing.T, e attacktable.Entry) {
			w := newWorld(t, nil)
			c := w.dial()
			c.startTLS(nil)
			c.send(good)
			c.askedForPassword()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c.send(declaredPassword(1 << 30))
			w.verdict(e, c.drive(""), "invalid message length")
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
				t.Errorf("%d bytes were allocated", grown)
			}
		},
		"4.4-password-twice": func(t *testing.T, e attacktable.Entry) {
			r := newRealWorld(t, nil)
			c := r.asked("neondb")
			c.send(join(password(r.mint(jwkstest.MintOptions{})), password("again")))
			if o := c.drive(""); !o.served {
				t.Fatalf("not served: %+v", o.err)
			}
			r.verdict(e, c.drive(""), "invalid frontend message type 112")
		},
		"4.4-query-before-ok-refused": func(t *testing.T, e attacktable.Entry) {
			r := newRealWorld(t, nil)
			c := r.asked("neondb")
			c.send(join(password("eyJx.eyJx.xx"), query("select 1")))
			r.verdict(e, c.drive(""), theOneSentence)
			if ran := r.upstream.statements(); len(ran) != 0 {
				t.Errorf("ran %q", ran)
			}
		},
		"4.4-query-before-ok-accepted": func(t *testing.T, e attacktable.Entry) {
			r := newRealWorld(t, nil)
			c := r.asked("neondb")
			c.send(join(password(r.mint(jwkstest.MintOptions{Subject: "alice"})), query("select 'pipelined'")))
			r.verdict(e, c.drive(""), "")
			if o := c.drive(""); !o.served || o.err != nil {
				t.Errorf("the query was answered %+v", o.err)
			}
			if ran := r.upstream.statements(); len(ran) != 1 || ran[0] != "alice: select 'pipelined'" {
				t.Errorf("ran %q", ran)
			}
		},
	}
}

func query(sql string) []byte { return typed('Q', append([]byte(sql), 0)) }

// declaredPassword is the head of a PasswordMessage of that length.
func declaredPassword(length uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{'p'}, length)
}

// inPlaceOfPassword is what a client sends when it is asked for the password.
func inPlaceOfPassword(text string, b []byte) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.startTLS(nil)
		c.send(good)
		c.askedForPassword()
		c.send(b)
		w.verdict(e, c.drive(""), text)
	}
}

// theOneSentence is all that anybody learns of a token without a valid signature.
const theOneSentence = "JWT authentication failed: the token is not valid"

var tokenAttacks = attacktable.Tests{
	"4.4-oracle-unknown-kid": token(theOneSentence, func(r *realWorld) string {
		return r.mint(jwkstest.MintOptions{Header: map[string]any{"kid": "nobody"}})
	}),
	"4.4-oracle-signature": token(theOneSentence, func(r *realWorld) string { return forge(r.mint(jwkstest.MintOptions{})) }),
	"4.4-oracle-expired-forgery": token(theOneSentence, func(r *realWorld) string {
		return forge(r.mint(jwkstest.MintOptions{IssuedAt: time.Now().Add(-2 * time.Hour)}))
	}),
	"4.4-oracle-issuer": token(theOneSentence, func(r *realWorld) string {
		return r.mint(jwkstest.MintOptions{Claims: map[string]any{"iss": "https://issuer.evil.example"}})
	}),
	"4.4-oracle-malformed": token(theOneSentence, func(*realWorld) string { return "hunter2" }),
	"4.4-own-fact-expired": token("", func(r *realWorld) string {
		return r.mint(jwkstest.MintOptions{IssuedAt: time.Now().Add(-2 * time.Hour)})
	}),
	"4.4-own-fact-client": token("", func(r *realWorld) string { return r.mint(jwkstest.MintOptions{ClientID: "another"}) }),
	"4.4-database-oracle": func(t *testing.T, e attacktable.Entry) {
		r := newRealWorld(t, nil)
		c := r.asked("no-such-database")
		c.send(password("hunter2"))
		unknown := c.drive("")
		r.verdict(e, unknown, theOneSentence)
		c = r.asked("neondb")
		c.send(password("hunter2"))
		if known := c.drive(""); known.err == nil || !reflect.DeepEqual(known.err, unknown.err) {
			t.Errorf("a known database answers %+v, an unknown one %+v", known.err, unknown.err)
		}
	},
	"4.4-user-policy": func(t *testing.T, e attacktable.Entry) {
		r := newRealWorld(t, func(o *Options, _ *Listener) { o.UserPolicy = UserPolicy{Claim: "username"} })
		c := r.asked("neondb")
		c.send(password(r.mint(jwkstest.MintOptions{Username: "authenticated"})))
		if o := c.drive(""); !o.served {
			t.Errorf("the token's own user is refused: %+v", o.err)
		}
		c = r.asked("neondb")
		c.send(password(r.mint(jwkstest.MintOptions{Username: "alice"})))
		r.verdict(e, c.drive(""), `user "authenticated" is not the token's "username"`)
	},
}

// token is a login with that token.
func token(text string, make func(*realWorld) string) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		r := newRealWorld(t, nil)
		c := r.asked("neondb")
		c.send(password(make(r)))
		r.verdict(e, c.drive(""), text)
	}
}

// forge changes a bit in the middle of the signature.
func forge(token string) string {
	b := []byte(token)
	at := len(b) - 100
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// realWorld is a world with real tokens, real sessions, and an upstream that remembers.
type realWorld struct {
	*world
	issuer   *jwkstest.Issuer
	upstream *memory
}

// signingKeys are the same for every issuer: they take long to make.
var signingKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	var keys []*rsa.PrivateKey
	for range 2 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	return keys
})

func newRealWorld(t testing.TB, change func(*Options, *Listener)) *realWorld {
	t.Helper()
	issuer, err := jwkstest.New(jwkstest.Options{Keys: signingKeys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	verifier, err := cognito.New(prometheus.NewRegistry(), zap.NewNop(), cognito.Config{Issuers: []cognito.IssuerConfig{{
		Name: "pool", Issuers: []string{issuer.Issuer()}, Keys: jwks.Config{URL: issuer.JWKSURL()},
		Policy: cognito.Policy{ClientIDs: []string{issuer.ClientID()}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Close)
	r := &realWorld{issuer: issuer, upstream: &memory{}}
	r.world = newWorld(t, func(o *Options, l *Listener) {
		o.Verifier = verifier
		o.NewSession = nil
		o.SessionMetrics = session.NewMetrics(prometheus.NewRegistry())
		for i := range o.Routes {
			o.Routes[i].Upstream = r.upstream
		}
		if change != nil {
			change(o, l)
		}
	})
	return r
}

func (r *realWorld) mint(o jwkstest.MintOptions) string {
	r.t.Helper()
	token, err := r.issuer.Mint(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

// asked is a client that has been asked for its password.
func (r *realWorld) asked(database string) *client {
	r.t.Helper()
	c := r.dial()
	c.startTLS(nil)
	c.send(startupPacket(0x00030000, "user", "authenticated", "database", database))
	c.askedForPassword()
	return c
}

// memory is an upstream that remembers who ran what, and answers every statement with no rows.
type memory struct {
	wait   chan struct{} // nil, or closed when requests may be answered
	mu     sync.Mutex
	ran    []string
	tokens []string
}

func (m *memory) Run(ctx context.Context, req *upstream.Request, sink upstream.RowSink) error {
	m.mu.Lock()
	for _, s := range req.Statements {
		m.ran = append(m.ran, req.Subject+": "+s.SQL)
		m.tokens = append(m.tokens, req.Token.Reveal())
	}
	m.mu.Unlock()
	if m.wait != nil {
		select {
		case <-m.wait:
		case <-ctx.Done():
			return &upstream.Error{PG: pgerr.New(pgerr.QueryCanceled, "dropped").Because(context.Cause(ctx)), Outcome: upstream.Unknown}
		}
	}
	for i := range req.Statements {
		if err := sink.Fields(i, []upstream.Field{{Name: "x", TypeOID: 25, TypeSize: -1, TypeMod: -1}}); err != nil {
			return err
		}
		if err := sink.Complete(i, upstream.Completion{Command: "SELECT", HasRows: true}); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) statements() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.ran...)
}
