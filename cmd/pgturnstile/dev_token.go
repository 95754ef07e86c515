package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// runDevToken is `pgturnstile dev token`: it has a token minted by a stack that runs, and prints it.
func runDevToken(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("dev token", flag.ContinueOnError)
	var req devstack.TokenRequest
	fs.StringVar(&req.User, "user", "", "`name` of the user: the token's sub")
	fs.DurationVar(&req.Expires, "expires", time.Hour, "how long the token lives; negative: it has expired that long ago")
	fs.Func("group", "a `group` that the user is in; may be repeated", func(s string) error {
		req.Groups = append(req.Groups, s)
		return nil
	})
	fs.StringVar(&req.Use, "use", "access", "access or id")
	ready := fs.String("ready-file", "", "`file` that the running pgturnstile dev wrote; needed only if several run")
	if code, done := parseFlags(fs, args, stdout, stderr); done {
		return code
	}
	if err := req.Check(); err != nil {
		fmt.Fprintf(stderr, "pgturnstile dev token: %v\n", err)
		return exitUsage
	}
	token, err := requestToken(ctx, *ready, req)
	if err != nil {
		fmt.Fprintf(stderr, "pgturnstile dev token: %v\n", err)
		return exitFault
	}
	fmt.Fprintln(stdout, token)
	return exitOK
}

func requestToken(ctx context.Context, ready string, req devstack.TokenRequest) (string, error) {
	if ready == "" {
		socket, err := theRunning()
		if err != nil {
			return "", err
		}
		return devstack.RequestToken(ctx, socket, req)
	}
	env, err := readEnvironment(ready)
	if err != nil {
		return "", err
	}
	socket := env.get(tokenSocket)
	if socket == "" {
		return "", fmt.Errorf("%s is no file that pgturnstile dev wrote", ready)
	}
	if !answers(socket) {
		return "", fmt.Errorf("the pgturnstile dev that wrote %s (pid %s) is not running any more", ready, env.get("PID"))
	}
	return devstack.RequestToken(ctx, socket, req)
}
