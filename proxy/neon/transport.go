package neon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
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
			return newConn(nc), nil
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
			return newConn(tc), nil
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
