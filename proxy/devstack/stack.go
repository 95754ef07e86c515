package devstack

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
	"github.com/pgturnstile/pgturnstile/proxy/assembly"
	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// What every stack has.
const (
	Database      = "neondb"
	Role          = "authenticated"
	AnonymousRole = "anonymous"

	clientID   = "0123456789pgturnstiledev00" // in Cognito's form
	dirPrefix  = "pgturnstile-dev-"
	closeLimit = 5 * time.Second // for the proxy's sessions; the rest has limits of its own
)

//go:embed roles.sql
var rolesSQL string

//go:embed guide.sql
var guideSQL string

// Options of a stack. The zero value is one for tests: free ports, no log, the defaults of every part.
type Options struct {
	Port         int  // of the proxy on 127.0.0.1; 0 is a free one
	DefaultRoute bool // any startup database lands in Database; else those without a route are refused
	Empty        bool // Database is as a new project's: the roles and the schema auth, but neither the example nor its grants
	Log          *zap.Logger

	// Postgres are settings of the server.
	Postgres map[string]string
	// PostgresBin is the directory of the server's initdb and postgres; "" finds the installed ones.
	PostgresBin string
	// Setup is SQL that the superuser runs in Database when the example is there.
	Setup string
	// Neon changes the options of Neon's stand-in before it starts; it may be nil.
	Neon func(*neontest.Options)
	// Issuer are the issuer's options; the zero value is a pool of its own.
	Issuer jwkstest.Options
	// Config changes the proxy's configuration before it starts; it may be nil. Of the stack, only Route may be used yet.
	Config func(*config.Config, *Stack)
}

// Stack is a running stack. Its methods are safe for concurrent use.
type Stack struct {
	// Immutable after Start. What Start did not come to is nil.
	dir      string
	files    certificateFiles
	postgres *postgres.Server
	neon     *neontest.Server
	issuer   *jwkstest.Issuer
	proxy    *assembly.Running
	minter   *minter

	failed chan struct{} // closed after err was set
	err    error

	closing  chan struct{} // closed by the first Close
	close    sync.Once
	closeErr error
}

// Start starts all parts, one after the other as they need each other, and returns when a client can log in. ctx bounds the
// start only; the owner calls Close.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s := &Stack{failed: make(chan struct{}), closing: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", dirPrefix); err != nil {
		return nil, fmt.Errorf("devstack: %w", err)
	}
	if s.files, err = writeCertificate(s.dir, time.Now()); err != nil {
		return nil, err
	}
	if o.Issuer.ClientID == "" {
		o.Issuer.ClientID = clientID
	}
	if s.issuer, err = jwkstest.New(o.Issuer); err != nil {
		return nil, fmt.Errorf("devstack: %w", err)
	}
	if s.postgres, err = postgres.Start(ctx, postgres.Options{Bin: o.PostgresBin, Settings: o.Postgres}); err != nil {
		return nil, fmt.Errorf("devstack: %w", err)
	}
	if err := s.startNeon(ctx, o); err != nil {
		return nil, err
	}
	c, err := s.configuration(o)
	if err != nil {
		return nil, fmt.Errorf("devstack: %w", err)
	}
	if s.proxy, err = assembly.Start(ctx, c, o.Log); err != nil {
		return nil, fmt.Errorf("devstack: %w", err)
	}
	if s.minter, err = startMinter(s.dir, s.Mint); err != nil {
		return nil, err
	}
	go s.watch()
	return s, nil
}

// watch waits for a part that ends by itself.
func (s *Stack) watch() {
	select {
	case <-s.closing:
		return
	case <-s.postgres.Done():
		s.err = errors.New("devstack: Postgres has ended")
	case err := <-s.proxy.Failed():
		s.err = fmt.Errorf("devstack: the proxy has ended: %w", err)
	}
	close(s.failed)
}

// Failed is closed when a part has ended by itself: the stack is of no use any more. Err says which.
func (s *Stack) Failed() <-chan struct{} { return s.failed }

// Err is valid after Failed.
func (s *Stack) Err() error { return s.err }

// Close stops all parts in the order that lets each end in peace, and removes the stack's files. Later calls return what
// the first one did.
func (s *Stack) Close() error {
	s.close.Do(func() {
		close(s.closing)
		var errs []error
		if s.minter != nil {
			errs = append(errs, s.minter.close())
		}
		if s.proxy != nil {
			s.closeProxy()
		}
		if s.neon != nil {
			errs = append(errs, s.neon.Close())
		}
		if s.issuer != nil {
			s.issuer.Close()
		}
		if s.postgres != nil {
			errs = append(errs, s.postgres.Stop())
		}
		if s.dir != "" {
			errs = append(errs, os.RemoveAll(s.dir))
		}
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}

// closeProxy drains the proxy. Sessions that had to be closed are no fault of the stack.
func (s *Stack) closeProxy() {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_ = s.proxy.Shutdown(ctx)
}

// RemoveLeftover removes the folder of a stack whose process was killed. A path that is none of this user's stacks is left
// alone.
func RemoveLeftover(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil // nothing there that we could remove
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) != os.Getuid() || !info.IsDir() || !strings.HasPrefix(filepath.Base(dir), dirPrefix) {
		return nil
	}
	return os.RemoveAll(dir)
}

// Mint makes a token for one of the stack's users. There is no list of them: whoever is named exists.
func (s *Stack) Mint(r TokenRequest) (string, error) {
	if err := r.Check(); err != nil {
		return "", err
	}
	o := jwkstest.MintOptions{Subject: r.User, Use: r.Use, Groups: r.Groups, Lifetime: r.Expires}
	if r.Expires < 0 {
		// As if it had been issued for an hour and ended so long ago.
		o.IssuedAt, o.Lifetime = time.Now().Add(r.Expires-time.Hour), time.Hour
	}
	return s.issuer.Mint(o)
}

// Dir is the stack's folder, which only this user can enter.
func (s *Stack) Dir() string { return s.dir }

// CAFile is the PEM file of the authority that the proxy's certificate is from.
func (s *Stack) CAFile() string { return s.files.ca }

// TokenSocket is what [RequestToken] asks.
func (s *Stack) TokenSocket() string { return s.minter.path }

// Address is the proxy's, host and port.
func (s *Stack) Address() string { return s.proxy.Address(0).String() }

// HostPort is Address in two.
func (s *Stack) HostPort() (host, port string) {
	host, port, err := net.SplitHostPort(s.Address())
	if err != nil {
		panic("BUG: a listener's address without a port: " + err.Error())
	}
	return host, port
}

// NeonURL is where Neon's stand-in takes statements, JWKSURL the issuer's key set, MetricsURL the proxy's metrics.
func (s *Stack) NeonURL() string    { return s.neon.URL() }
func (s *Stack) JWKSURL() string    { return s.issuer.JWKSURL() }
func (s *Stack) MetricsURL() string { return "http://" + s.proxy.AdminAddress().String() + "/metrics" }

// AdminDSN connects the superuser to Database directly, without the proxy.
func (s *Stack) AdminDSN() string { return s.DSN(Database, postgres.Superuser) }

// DSN connects any role to any database of the Postgres behind.
func (s *Stack) DSN(database, role string) string { return s.postgres.DSN(database, role) }

// Issuer, Neon, Postgres and Proxy are the parts themselves, for tests that make them misbehave.
func (s *Stack) Issuer() *jwkstest.Issuer   { return s.issuer }
func (s *Stack) Neon() *neontest.Server     { return s.neon }
func (s *Stack) Postgres() *postgres.Server { return s.postgres }
func (s *Stack) Proxy() *assembly.Running   { return s.proxy }
