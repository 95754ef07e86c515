package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/pgturnstile/pgturnstile/config"
)

// healthcheckTimeout is shorter than the timeout that container runtimes give a probe.
const healthcheckTimeout = 3 * time.Second

func healthcheckCommand() command {
	return command{
		name:    "healthcheck",
		summary: "ask a running pgturnstile whether it lives, for images without a shell",
		run: func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
			return healthcheck(ctx, args, os.Environ(), stdout, stderr)
		},
	}
}

// healthcheck asks /livez, or another path, of the operators' listener that the configuration names. Its exit code is
// the answer.
func healthcheck(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("healthcheck", flag.ContinueOnError)
	src := config.Flags(fs, environ)
	path := fs.String("path", "/livez", "ask this `path`: /livez, /readyz or /startupz")
	if code, done := parseFlags(fs, args, stdout, stderr); done {
		return code
	}
	err := ask(ctx, src, *path)
	if err != nil {
		fmt.Fprintf(stderr, "pgturnstile healthcheck: %v\n", err)
		return exitFault
	}
	return exitOK
}

// ask returns nil when the answer is 200.
func ask(ctx context.Context, src *config.Source, path string) error {
	c, err := config.Load(*src)
	if err != nil {
		return err
	}
	if c.Admin.Address == "" {
		return fmt.Errorf("admin.address is empty: there is nobody to ask")
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(c.Admin.Address)+path, nil)
	if err != nil {
		return err
	}
	reply, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request) // no proxy of the environment, no redirects
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(reply.Body, 1024)) // the status says it, whatever comes of the text
		return fmt.Errorf("%s: %s", reply.Status, strings.TrimSpace(string(reason)))
	}
	return nil
}

// reachable is where a listener's address can be dialled on the same machine: one on every address is on loopback too.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	ip, parsed := netip.ParseAddr(host)
	switch {
	case err != nil:
		return address
	case host == "", parsed == nil && ip.IsUnspecified() && ip.Is4():
		return net.JoinHostPort("127.0.0.1", port)
	case parsed == nil && ip.IsUnspecified():
		return net.JoinHostPort("::1", port)
	}
	return address
}
