package assembly

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// configuration is a valid one with two listeners on free ports; nothing stands behind its route.
func configuration(t *testing.T) (*config.Config, *jwkstest.Issuer) {
	t.Helper()
	issuer, err := jwkstest.New(jwkstest.Options{ClientID: "0123456789pgturnstiletest0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	c := config.Default()
	first, second := config.DefaultListener(), config.DefaultListener()
	first.Name, first.Address = "first", "127.0.0.1:0"
	second.Name, second.Address = "second", "unix:"+t.TempDir()+"/s"
	c.Listeners = []config.Listener{first, second}
	i := config.DefaultIssuer()
	i.Name, i.Region, i.UserPoolID = "pool", issuer.Region(), issuer.PoolID()
	i.Issuer, i.ClientIDs, i.JWKSURL = []string{issuer.Issuer()}, []string{issuer.ClientID()}, issuer.JWKSURL()
	c.Issuers = []config.Issuer{i}
	r := config.DefaultRoute()
	r.Name, r.Database, r.NeonHost, r.Endpoint = "main", "neondb", "ep-test-1.us-east-2.aws.neon.tech", "http://127.0.0.1:9/sql"
	c.Routes = []config.Route{r}
	c.Admin.Address = "127.0.0.1:0"
	c.Derive()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c, issuer
}

func get(t *testing.T, r *Running, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + r.AdminAddress().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// eventually polls condition, bounded.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("no %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestStartServesAndShutsDown(t *testing.T) {
	c, _ := configuration(t)
	r, err := Start(t.Context(), c, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for i, network := range []string{"tcp", "unix"} {
		nc, err := net.Dial(network, r.Address(i).String())
		if err != nil {
			t.Fatalf("listener %d: %v", i, err)
		}
		// A packet of a protocol that is none: the answer is an ErrorResponse.
		if _, err := nc.Write([]byte{0, 0, 0, 8, 0, 1, 0, 0}); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(nc)
		if err != nil || len(answer) == 0 || answer[0] != 'E' {
			t.Errorf("listener %d answers %q, %v", i, answer, err)
		}
		nc.Close()
	}
	eventually(t, "readiness", func() bool { code, _ := get(t, r, "/readyz"); return code == http.StatusOK })
	if code, body := get(t, r, "/metrics"); code != http.StatusOK || !strings.Contains(body, `pgturnstile_client_connections{listener="second"`) {
		t.Errorf("metrics: %d", code)
	}
	var wg sync.WaitGroup
	for range 2 { // the second call is for now, and harms nothing
		wg.Go(func() { _ = r.Shutdown(context.Background()) })
	}
	wg.Wait()
	for i, network := range []string{"tcp", "unix"} {
		if nc, err := net.Dial(network, r.Address(i).String()); err == nil {
			nc.Close()
			t.Errorf("listener %d is still there", i)
		}
	}
	select {
	case err := <-r.Failed():
		t.Errorf("a listener failed: %v", err)
	default:
	}
}

// TestNotReadyWithoutKeys: no client is sent here that could not log in.
func TestNotReadyWithoutKeys(t *testing.T) {
	c, issuer := configuration(t)
	issuer.SetFault(jwkstest.Outage())
	r, err := Start(t.Context(), c, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Shutdown(context.Background()) }()
	for _, path := range []string{"/readyz", "/startupz"} {
		if code, body := get(t, r, path); code != http.StatusServiceUnavailable || !strings.Contains(body, "pool") {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := get(t, r, "/livez"); code != http.StatusOK {
		t.Errorf("/livez: %d", code)
	}
}

// TestFailedStartLeavesNothing: what was bound before the fault is free again.
func TestFailedStartLeavesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tc := range map[string]struct {
		change func(*config.Config)
		want   string
	}{
		"an address in use":  {func(c *config.Config) { c.Listeners[1].Address = taken.Addr().String() }, "listener second"},
		"the admin's in use": {func(c *config.Config) { c.Admin.Address = taken.Addr().String() }, "admin listener"},
		"no certificate there": {func(c *config.Config) {
			c.Listeners[1].TLS = config.TLS{Cert: "/nowhere/c.pem", Key: "/nowhere/k.pem", MinVersion: config.TLS12}
		}, "listener second"},
		"a route to nowhere": {func(c *config.Config) { c.Routes[0].Endpoint = "http://192.0.2.1/sql" }, "route main"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := configuration(t)
			free, err := net.Listen("tcp", "127.0.0.1:0") // a port that Start gets as it is let go
			if err != nil {
				t.Fatal(err)
			}
			c.Listeners[0].Address = free.Addr().String()
			free.Close()
			tc.change(c)
			r, err := Start(t.Context(), c, zap.NewNop())
			if err == nil {
				_ = r.Shutdown(context.Background())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the error does not name %s: %v", tc.want, err)
			}
			again, err := net.Listen("tcp", c.Listeners[0].Address)
			if err != nil {
				t.Fatalf("the first listener's port is still held: %v", err)
			}
			again.Close()
		})
	}
}

func TestListenerThatEndsByItselfIsTold(t *testing.T) {
	c, _ := configuration(t)
	r, err := Start(t.Context(), c, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Shutdown(context.Background()) }()
	r.listeners[0].Close()
	select {
	case err := <-r.Failed():
		if !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), "first") {
			t.Errorf("%v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody is told")
	}
}
