package jwks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
)

// source gives the bytes of a key set.
type source interface {
	// read returns at most maxBody+1 bytes, which the caller owns. The error is a *fetchError.
	read(ctx context.Context) ([]byte, error)
}

// fileSource reads the set from a file, again at every refresh.
type fileSource string

func (path fileSource) read(context.Context) ([]byte, error) {
	info, err := os.Stat(string(path))
	if err != nil {
		return nil, failed(resultHTTPError, "%w", err)
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, failed(resultHTTPError, "%s is no regular file", string(path))
	}
	file, err := os.Open(string(path))
	if err != nil {
		return nil, failed(resultHTTPError, "%w", err)
	}
	defer file.Close()
	return bounded(file)
}

// httpSource gets the set from the issuer.
type httpSource struct {
	url       string
	transport http.RoundTripper
}

func (s *httpSource) read(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, failed(resultHTTPError, "%w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "pgturnstile")
	// A transport by itself follows no redirect, so an issuer cannot send us to an address that is not in the configuration.
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return nil, networkError(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, failed(resultHTTPError, "HTTP status %d", response.StatusCode)
	}
	// None was asked for: what comes anyway may be small and grow to any size.
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, failed(resultParse, "the body is compressed")
	}
	if response.ContentLength > maxBody {
		return nil, failed(resultTooLarge, "over %d bytes", maxBody)
	}
	body, err := bounded(response.Body)
	if err != nil {
		return nil, networkError(ctx, err)
	}
	return body, nil
}

// bounded reads to the end or one byte over maxBody, which parseKeySet then refuses.
func bounded(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, maxBody+1))
}

func networkError(ctx context.Context, err error) *fetchError {
	var timeout net.Error
	if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
		return failed(resultTimeout, "%w", err)
	}
	return failed(resultHTTPError, "%w", err)
}

// newTransport makes the transport of one cache: it fetches once an hour, so it keeps no connection.
func newTransport(c Config) *http.Transport {
	return &http.Transport{
		Proxy:                  c.Proxy, // nil: the environment's proxies are not used
		DialContext:            (&net.Dialer{Timeout: c.ConnectTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    c.ConnectTimeout,
		ResponseHeaderTimeout:  c.FetchTimeout,
		MaxResponseHeaderBytes: 16 << 10,
		DisableKeepAlives:      true,
		DisableCompression:     true,
	}
}

// CheckURL reports whether a key set may be fetched from there: https, or http on a loopback address; no user, no fragment.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Host == "" || u.Opaque != "":
		return errors.New("has no host")
	case u.User != nil:
		return errors.New("must not hold a user or password")
	case u.Fragment != "":
		return errors.New("must not hold a fragment")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("scheme %q: https is needed", u.Scheme)
	case !loopback(u.Hostname()):
		return errors.New("http is allowed for loopback addresses only: use https")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
