package neon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	tlsTimeout  = 5 * time.Second
	// maxHeader bounds the header of a reply, in bytes.
	maxHeader = 64 << 10
)

// dialError is a connection that was never made: nothing was written.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// permanent reports whether dialing again would fail the same way: a certificate that does not verify.
func (e dialError) permanent() bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](e.error); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](e.error); ok {
		return true
	}
	_, ok := errors.AsType[x509.UnknownAuthorityError](e.error)
	return ok
}

// newTransport returns the package's own transport: HTTP/1.1 with keep-alive, no proxy from the environment, no
// compression. Redirects are not followed by any RoundTripper. net/http sends a request again by itself only if it is
// idempotent or has a GetBody; these are POSTs without one and without Idempotency-Key.
func newTransport(cfg *Config) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs, NextProtos: []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, dialError{err}
			}
			return &conn{Conn: nc}, nil
		},
		// The conn stands above TLS: what it has not written no peer can have read.
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, dialError{err}
			}
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				_ = nc.Close()
				return nil, dialError{err}
			}
			named := tlsConfig.Clone()
			named.ServerName = host
			tc := tls.Client(nc, named)
			ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
			defer cancel()
			if err := tc.HandshakeContext(ctx); err != nil {
				_ = nc.Close()
				return nil, dialError{err}
			}
			return &conn{Conn: tc}, nil
		},
		Proxy:                  nil,
		DisableCompression:     true,
		MaxIdleConns:           cfg.InFlight,
		MaxIdleConnsPerHost:    cfg.InFlight,
		IdleConnTimeout:        cfg.IdleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		WriteBufferSize:        16 << 10, // a token, a statement and the headers in one write
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

var errSealed = errors.New("the connection is given up")

// conn counts the bytes that were written, to answer "may the request have reached the server?".
type conn struct {
	net.Conn

	mu      sync.Mutex
	written int64
	start   int64 // written at the start of the current request
	writing bool  // a Write is under way
	broken  bool  // the server takes no more bytes, but its answer may still come
	sealed  bool  // no byte is written any more
}

// begin marks the start of a request.
func (c *conn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = c.written
	c.sealed = c.sealed || c.broken
}

// Write writes p. When the server hangs up in the middle of a request it says so only if it does not answer: a request
// that is too large is refused before it was read, and the refusal would be lost.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.sealed {
		c.mu.Unlock()
		return 0, errSealed
	}
	if c.broken {
		c.mu.Unlock()
		return len(p), nil
	}
	c.writing = true
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written += int64(n)
	c.writing = false
	if err != nil && c.written > c.start && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)) {
		c.broken = true // the reading side ends, too: with the answer or without
		return len(p), nil
	}
	return n, err
}

// sealIfUnused reports whether nothing of the current request was written, and then makes sure that nothing will be:
// net/http's writer may still be about to.
func (c *conn) sealIfUnused() bool {
	c.mu.Lock()
	unused := c.written == c.start && !c.writing
	c.sealed = c.sealed || unused
	c.mu.Unlock()
	if unused {
		_ = c.Close()
	}
	return unused
}
