package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

func TestAKeyIsTriedOnceForEachRoute(t *testing.T) {
	w := newWorld(t, nil)
	release := make(chan struct{})
	w.facts.probe = func(_ context.Context, who catalog.Caller) (*catalog.Facts, error) {
		if !strings.HasPrefix(who.Token.Reveal(), "token-user") {
			return nil, fmt.Errorf("tried with the token of %s", who.Subject)
		}
		<-release
		return &catalog.Facts{}, nil
	}
	var logins sync.WaitGroup
	for i := range 20 {
		logins.Go(func() {
			c := w.dial()
			c.startTLS(nil)
			c.send(good)
			if o := c.drive(fmt.Sprint("token-user", i)); !o.served {
				t.Errorf("login %d: %+v", i, o.err)
			}
		})
	}
	w.eventually("all wait for one trial", func() bool {
		return w.facts.probed() == 1 && w.counter("auth_attempts_total", "result", "ok") == 20
	})
	close(release)
	logins.Wait()
	w.login("user-later")
	if n := w.facts.probed(); n != 1 {
		t.Errorf("the key was tried %d times", n)
	}
	c := w.dial()
	c.startTLS(nil)
	c.send(startupPacket(0x00030000, "user", "x", "database", "other"))
	c.drive("token-user")
	if n := w.facts.probed(); n != 2 {
		t.Errorf("%d trials: the other route's server has to accept the key itself", n)
	}
}

func TestAKeyWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pipeWorld(t, false, nil)
		hang := true
		w.facts.probe = func(ctx context.Context, _ catalog.Caller) (*catalog.Facts, error) {
			if hang {
				<-ctx.Done()
				return nil, &upstream.Error{PG: pgerr.New(pgerr.QueryCanceled, "the request was dropped").Because(context.Cause(ctx))}
			}
			return &catalog.Facts{}, nil
		}
		began := time.Now()
		c := w.pipe()
		c.send(good)
		o := c.drive("token-alice")
		if o.err == nil || o.err.Code != "57P03" || !strings.Contains(o.err.Hint, "5 minutes") || o.err.Severity != "FATAL" {
			t.Errorf("told %+v", o.err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if n := w.counter("client_connections_rejected_total", "reason", "signing_key_not_accepted"); n != 1 {
			t.Errorf("counted %v times", n)
		}
		hang = false // a key that was not accepted is tried again
		c = w.pipe()
		c.send(good)
		if o := c.drive("token-alice"); !o.served {
			t.Errorf("not served: %+v", o.err)
		}
	})
}

func TestAServerThatCannotBeAsked(t *testing.T) {
	unknownKey := &upstream.Error{PG: pgerr.New(pgerr.CannotConnectNow, "Neon does not know the key"), Outcome: upstream.NotRun, KeyUnknown: true, RequestID: "req-1"}
	for name, test := range map[string]struct {
		err                   error
		code, message, reason string
	}{
		"key unknown":   {unknownKey, "57P03", "Neon does not know the key", "signing_key_not_accepted"},
		"token refused": {&upstream.Error{PG: pgerr.New(pgerr.InvalidAuthorization, "Neon refused the token")}, "28000", "Neon refused the token", "upstream"},
		"down":          {&upstream.Error{PG: pgerr.New(pgerr.ConnectionFailure, "no route to host")}, "57P03", "the database cannot be reached at the moment", "upstream"},
		"a bug":         {errors.New("secret cause"), "57P03", "the database cannot be reached at the moment", "upstream"},
	} {
		for _, at := range []string{"probe", "get"} {
			t.Run(name+" at "+at, func(t *testing.T) {
				w := newWorld(t, nil)
				fail := func(context.Context, catalog.Caller) (*catalog.Facts, error) { return nil, test.err }
				if at == "probe" {
					w.facts.probe = fail
				} else {
					w.facts.get = fail
				}
				c := w.dial()
				c.startTLS(nil)
				c.send(good)
				o := c.drive("token-alice")
				if o.err == nil || o.err.Severity != "FATAL" || o.err.Code != test.code || o.err.Message != test.message {
					t.Fatalf("told %+v", o.err)
				}
				if strings.Contains(fmt.Sprint(o.err), "secret") {
					t.Error("the cause is told")
				}
				if n := w.counter("client_connections_rejected_total", "reason", test.reason); n != 1 {
					t.Errorf("counted %v times as %s", n, test.reason)
				}
				w.eventually("it is logged", func() bool { return len(w.events("connection_refused")) == 1 })
				record := fmt.Sprint(w.events("connection_refused")[0])
				if u, ok := errors.AsType[*upstream.Error](test.err); ok && !strings.Contains(record, u.PG.Message) || strings.Contains(record, "secret") {
					t.Errorf("logged %s", record)
				}
				if len(w.sessions) != 0 {
					t.Error("a session was started")
				}
			})
		}
	}
}

func TestFactsThatDoNotComeAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pipeWorld(t, false, nil)
		w.facts.get = func(ctx context.Context, _ catalog.Caller) (*catalog.Facts, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		c := w.pipe()
		c.send(good)
		if o := c.drive("token-alice"); o.err == nil || o.err.Code != "57P03" {
			t.Errorf("told %+v", o.err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

// A panic of a key's trial happens in no connection's goroutine.
func TestAPanicInATrialIsRecovered(t *testing.T) {
	w := newWorld(t, nil)
	w.facts.probe = func(context.Context, catalog.Caller) (*catalog.Facts, error) { panic("in the trial") }
	c := w.dial()
	c.startTLS(nil)
	c.send(good)
	if o := c.drive("token-alice"); o.err == nil || o.err.Code != "57P03" {
		t.Errorf("told %+v", o.err)
	}
	if n := w.counter("panics_total"); n != 1 {
		t.Errorf("%v panics were counted", n)
	}
}

func TestKeyTrialsAreBounded(t *testing.T) {
	var k keyTrials
	for i := range 3 * maxKeys {
		if err := k.try(t.Context(), keyName{"issuer", fmt.Sprint(i)}, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		if n := len(k.accepted); n > maxKeys {
			t.Fatalf("%d keys are remembered", n)
		}
	}
	if len(k.running) != 0 {
		t.Errorf("%d trials are running", len(k.running))
	}
	// Key ids are unique within an issuer only.
	tried := false
	k.try(t.Context(), keyName{"another issuer", fmt.Sprint(3*maxKeys - 1)}, func() error { tried = true; return nil })
	if !tried {
		t.Error("another issuer's key was taken for accepted")
	}
}

func TestRoutesByDatabase(t *testing.T) {
	w := newWorld(t, nil)
	for database, want := range map[string]namedUpstream{"neondb": "main", "other": "second"} {
		c := w.dial()
		c.startTLS(nil)
		c.send(startupPacket(0x00030000, "user", "x", "database", database))
		c.drive("token-alice")
		if s := w.session(); s.target() != want {
			t.Errorf("%s leads to %v", database, s.target())
		}
	}
	c := w.dial()
	c.startTLS(nil)
	c.send(startupPacket(0x00030000, "user", "neondb")) // the database's default is the user
	if o := c.drive("token-alice"); !o.served {
		t.Errorf("told %+v", o.err)
	}
}

// What Neon's connection strings carry says nothing to the proxy; the settings that are kept reach the session.
func TestStartupSettings(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial()
	c.startTLS(nil)
	c.send(startupPacket(0x00030000, "user", "x", "database", "neondb", "channel_binding", "require", "project", "ep-cool-1",
		"options", "endpoint=ep-cool-1", "client_encoding", "'utf-8'", "application_name", "first", "options", "project=ep-cool-1 -c extra_float_digits=3",
		"application_name", "the app", "client_min_messages", "warning"))
	if o := c.drive("token-alice"); !o.served {
		t.Fatalf("told %+v", o.err)
	}
	s := w.session()
	facts, err := catalog.NewFacts([]catalog.Parameter{{Name: "server_version_num", Value: "150018"}, {Name: "extra_float_digits", Value: "1"}, {Name: "client_min_messages", Value: "notice"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, asked := s.Settings.StartupStep(facts); asked {
		t.Error("the server has to be asked about settings that are kept here")
	}
	for name, want := range map[string]string{"application_name": "the app", "extra_float_digits": "3", "client_encoding": "UTF8", "client_min_messages": "warning"} {
		if _, got, ok := s.Settings.Value(name, facts); !ok || got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	c = w.dial()
	c.startTLS(nil)
	c.send(startupPacket(0x00030000, "user", "x", "database", "neondb", "client_encoding", "MULE_INTERNAL"))
	if o := c.drive("token-alice"); o.err == nil || o.err.Severity != "FATAL" {
		t.Errorf("told %+v", o.err)
	}
}

// A removed key ends the sessions that came in with it before their next statement.
func TestASessionChecksItsTokenAgain(t *testing.T) {
	r := newRealWorld(t, nil)
	login := func(o jwkstest.MintOptions) *client {
		c := r.asked("neondb")
		c.send(password(r.mint(o)))
		if o := c.drive(""); !o.served {
			t.Fatalf("told %+v", o.err)
		}
		return c
	}
	c := login(jwkstest.MintOptions{Subject: "alice"})
	c.send(query("select 1"))
	if o := c.drive(""); !o.served {
		t.Fatalf("told %+v", o.err)
	}
	verifier := r.server.opts.Verifier.(*cognito.Verifier)
	if err := verifier.SetPolicy("pool", cognito.Policy{ClientIDs: []string{r.issuer.ClientID()}, Groups: []string{"staff"}}); err != nil {
		t.Fatal(err)
	}
	staff := login(jwkstest.MintOptions{Subject: "bob", Groups: []string{"staff"}})
	c.send(query("select 2"))
	if o := c.drive(""); o.err == nil || o.err.Severity != "FATAL" || o.err.Code != "28000" {
		t.Errorf("told %+v", o.err)
	}
	if err := verifier.SetPolicy("pool", cognito.Policy{ClientIDs: []string{r.issuer.ClientID()}}); err != nil {
		t.Fatal(err)
	}
	staff.send(query("select 3"))
	if o := staff.drive(""); !o.served || o.err != nil {
		t.Errorf("a token that is still good: %+v", o.err)
	}
	if got, want := fmt.Sprint(r.upstream.statements()), "[alice: select 1 bob: select 3]"; got != want {
		t.Errorf("ran %s", got)
	}
}

// What pasting adds around a token goes no further than the verifier.
func TestAPastedTokenGoesBareToTheUpstream(t *testing.T) {
	r := newRealWorld(t, nil)
	token := r.mint(jwkstest.MintOptions{})
	for _, pasted := range []string{token, " " + token + "\r\n", "Bearer " + token, "\tbearer   " + token + " "} {
		c := r.asked("neondb")
		c.send(password(pasted))
		if o := c.drive(""); !o.served {
			t.Fatalf("%q...: %+v", pasted[:10], o.err)
		}
		c.send(query("select 1"))
		c.drive("")
	}
	for i, sent := range r.upstream.tokens {
		if sent != token {
			t.Errorf("request %d went with %q...", i, sent[:min(10, len(sent))])
		}
	}
	if n := len(r.upstream.tokens); n != 4 {
		t.Errorf("%d requests", n)
	}
}

// A pool's connections share one copy of their token, and the last one takes it along.
func TestConnectionsShareTheirToken(t *testing.T) {
	r := newRealWorld(t, nil)
	token := r.mint(jwkstest.MintOptions{})
	var conns []*client
	for _, pasted := range []string{token, "Bearer " + token, token} {
		c := r.asked("neondb")
		c.send(password(pasted))
		if o := c.drive(""); !o.served {
			t.Fatalf("told %+v", o.err)
		}
		conns = append(conns, c)
	}
	held := func() (tokens, users int) {
		r.server.tokens.mu.Lock()
		defer r.server.tokens.mu.Unlock()
		for _, s := range r.server.tokens.held {
			users += s.users
		}
		return len(r.server.tokens.held), users
	}
	if tokens, users := held(); tokens != 1 || users != 3 {
		t.Errorf("%d tokens are held by %d", tokens, users)
	}
	for _, c := range conns {
		c.Close()
	}
	r.eventually("none is held", func() bool { tokens, _ := held(); return tokens == 0 })
}

// One user's refused token says nothing about the others that wait for the same key.
func TestATrialThatFailsByItsTokenIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pipeWorld(t, false, nil)
		w.facts.probe = func(_ context.Context, who catalog.Caller) (*catalog.Facts, error) {
			time.Sleep(time.Second)
			if who.Subject == "mallory" {
				return nil, &upstream.Error{PG: pgerr.New(pgerr.InvalidAuthorization, "Neon refused the token")}
			}
			return &catalog.Facts{}, nil
		}
		first := w.pipe()
		first.send(good)
		first.askedForPassword()
		first.send(password("token-mallory"))
		synctest.Wait()
		var others sync.WaitGroup
		for range 5 {
			c := w.pipe()
			others.Go(func() {
				c.send(good)
				if o := c.drive("token-alice"); !o.served {
					t.Errorf("told %+v", o.err)
				}
			})
		}
		if o := first.drive(""); o.err == nil || o.err.Code != "28000" {
			t.Errorf("the refused one is told %+v", o.err)
		}
		others.Wait()
		if n := w.facts.probed(); n != 2 {
			t.Errorf("%d trials", n)
		}
	})
}

// Whatever panics in a login ends that connection and gives its slots back.
func TestAPanicOfTheVerifier(t *testing.T) {
	w := newWorld(t, nil)
	w.verifier.verify = func(context.Context, string) (*cognito.Claims, error) { panic(errors.New("token-alice")) }
	c := w.dial()
	c.startTLS(nil)
	c.send(good)
	c.askedForPassword()
	c.send(password("token-alice"))
	c.rest()
	w.eventually("it is gone", func() bool { return w.server.Connections() == 0 })
	if n := w.counter("panics_total"); n != 1 {
		t.Errorf("%v panics were counted", n)
	}
	if l := w.server.limiter; l.total != 0 || l.pending != 0 {
		t.Errorf("%d connections, %d logins are still counted", l.total, l.pending)
	}
	for _, r := range w.logs.All() {
		if strings.Contains(fmt.Sprint(r.Message, r.ContextMap()), "token-alice") {
			t.Errorf("logged: %v", r)
		}
	}
}
