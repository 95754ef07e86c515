package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// bench is what every measurement needs. One goroutine uses it.
type bench struct {
	stack    *devstack.Stack // its own proxy is idle: the one measured stands before the endpoint
	endpoint *endpoint
	proxy    *proxyProcess // before the endpoint
	whole    *proxyProcess // before the stack's stand-in for Neon, and so before its Postgres
	token    string
	roots    *x509.CertPool
	folder   string
}

func newBench(ctx context.Context, binary string) (_ *bench, err error) {
	b := &bench{roots: x509.NewCertPool()}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.folder, err = os.MkdirTemp("", "pgturnstile-bench-"); err != nil {
		return nil, err
	}
	var settings *config.Config
	if b.stack, err = devstack.Start(ctx, devstack.Options{
		Setup:  itemsSQL,
		Config: func(c *config.Config, s *devstack.Stack) { settings = c },
	}); err != nil {
		return nil, err
	}
	if b.endpoint, err = newEndpoint(ctx, b.stack.NeonURL()); err != nil {
		return nil, err
	}
	settings.Routes[0].Endpoint = b.endpoint.url
	settings.Limits.MaxUnauthenticatedPerIP = 0
	settings.Admin.PProf = true // a collection before memory is measured
	if b.proxy, err = startProxy(ctx, binary, filepath.Join(b.folder, "pgturnstile.yaml"), settings); err != nil {
		return nil, err
	}
	settings.Routes[0].Endpoint = b.stack.NeonURL()
	if b.whole, err = startProxy(ctx, binary, filepath.Join(b.folder, "whole.yaml"), settings); err != nil {
		return nil, err
	}
	if b.token, err = b.stack.Mint(devstack.TokenRequest{User: "alice"}); err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(b.stack.CAFile())
	if err != nil {
		return nil, err
	}
	if !b.roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the stack's authority is no certificate")
	}
	return b, nil
}

func (b *bench) close() error {
	var errs []error
	for _, p := range []*proxyProcess{b.proxy, b.whole} {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	if b.endpoint != nil {
		errs = append(errs, b.endpoint.close())
	}
	if b.stack != nil {
		errs = append(errs, b.stack.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(b.folder))...)
}

// connect logs alice in at the proxy before the endpoint, over TLS or without.
func (b *bench) connect(ctx context.Context, encrypted bool) (*pgconn.PgConn, error) {
	return b.login(ctx, b.proxy, encrypted)
}

func (b *bench) login(ctx context.Context, p *proxyProcess, encrypted bool) (*pgconn.PgConn, error) {
	host, port, err := net.SplitHostPort(p.address)
	if err != nil {
		return nil, err
	}
	c, err := pgconn.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable", host, port, devstack.Role, devstack.Database))
	if err != nil {
		return nil, err
	}
	c.Password = b.token
	c.ConnectTimeout = 20 * time.Second
	if encrypted {
		c.TLSConfig = &tls.Config{RootCAs: b.roots, ServerName: host, MinVersion: tls.VersionTLS12}
	}
	return pgconn.ConnectConfig(ctx, c)
}
