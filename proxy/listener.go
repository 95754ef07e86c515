package proxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Plaintext says on which connections a token may travel without TLS.
type Plaintext int

const (
	// PlaintextLoopback allows it between two loopback addresses and on Unix sockets, where nobody listens in.
	PlaintextLoopback Plaintext = iota
	PlaintextNever
	// PlaintextAlways allows it everywhere: for a network that is itself encrypted.
	PlaintextAlways
)

// Listener accepts clients. It is apart from Serve so that its address is known before the first client is served.
type Listener struct {
	net.Listener
	Name      string        // the config's name for it: a metric label
	TLS       *Certificates // nil: no TLS on this listener
	Plaintext Plaintext
	// SharedAddresses says that clients come from a load balancer's addresses: what is limited by address is off.
	SharedAddresses bool
}

// ListenOptions of one listener.
type ListenOptions struct {
	Name      string
	Network   string // "tcp" or "unix"
	Address   string // host:port, or the socket's path
	Mode      fs.FileMode
	TLS       *Certificates
	Plaintext Plaintext
	// SharedAddresses: see Listener.
	SharedAddresses bool
}

// defaultSocketMode lets every local user connect: the token decides, as in Postgres.
const defaultSocketMode = 0o777

// Listen opens a listener. A socket file that nobody listens on any more is replaced; one in use is an error, and so is
// any other file in its place.
func Listen(ctx context.Context, o ListenOptions) (*Listener, error) {
	if o.Network == "unix" {
		if err := removeStaleSocket(ctx, o.Address); err != nil {
			return nil, err
		}
	}
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4}}
	l, err := lc.Listen(ctx, o.Network, o.Address)
	if err != nil {
		return nil, fmt.Errorf("listener %s: %w", o.Name, err)
	}
	if o.Network == "unix" {
		mode := o.Mode
		if mode == 0 {
			mode = defaultSocketMode
		}
		if err := os.Chmod(o.Address, mode); err != nil {
			l.Close()
			return nil, fmt.Errorf("listener %s: %w", o.Name, err)
		}
	}
	return &Listener{Listener: l, Name: o.Name, TLS: o.TLS, Plaintext: o.Plaintext, SharedAddresses: o.SharedAddresses}, nil
}

func removeStaleSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("%s exists and is no socket", path)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	nc, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err == nil {
		nc.Close()
		return fmt.Errorf("%s is in use by another process", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s exists: %w", path, err)
	}
	return os.Remove(path)
}

// attach hands the certificate what it reports to.
func (l *Listener) attach(s *Server) {
	if l.TLS != nil {
		l.TLS.attach(s.metrics, s.log, l.Name)
	}
}

// client is the address that a connection is limited by, an invalid one for none.
func (l *Listener) client(nc net.Conn) netip.Addr {
	if l.SharedAddresses {
		return netip.Addr{}
	}
	return addressOf(nc.RemoteAddr())
}

// plaintextAllowed reports whether a token may be asked for on nc without TLS. A loopback peer alone does not do: behind
// a local forwarder (ssh -L, a sidecar) on a public address everybody has one, which is why both ends must be loopback.
func (l *Listener) plaintextAllowed(nc net.Conn) bool {
	switch l.Plaintext {
	case PlaintextAlways:
		return true
	case PlaintextNever:
		return false
	}
	if isUnix(nc) {
		return true
	}
	return addressOf(nc.RemoteAddr()).IsLoopback() && addressOf(nc.LocalAddr()).IsLoopback()
}

func isUnix(nc net.Conn) bool {
	_, ok := nc.LocalAddr().(*net.UnixAddr)
	return ok
}
