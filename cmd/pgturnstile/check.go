package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/pgturnstile/pgturnstile/config"
)

func checkCommand() command {
	return command{
		name:    "check",
		summary: "check the configuration and print what is in force, secrets masked",
		run: func(_ context.Context, args []string, stdout, stderr io.Writer) int {
			return check(args, os.Environ(), stdout, stderr)
		},
	}
}

// check prints the effective configuration on stdout and warnings on stderr, or all faults on stderr. It connects to
// nothing.
func check(args, environ []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("check", flag.ContinueOnError)
	src := config.Flags(fs, environ)
	if code, done := parseFlags(fs, args, stdout, stderr); done {
		return code
	}
	c, err := config.Load(*src)
	if err != nil {
		fmt.Fprintf(stderr, "pgturnstile check: %v\n", err)
		return exitFault
	}
	for _, warning := range c.Warnings() {
		fmt.Fprintf(stderr, "warning: %v\n", warning)
	}
	text, err := c.YAML()
	if err == nil {
		_, err = stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintf(stderr, "pgturnstile check: %v\n", err)
		return exitFault
	}
	return exitOK
}
