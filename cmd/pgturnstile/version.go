package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/pgturnstile/pgturnstile/proxy/admin"
)

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print version, commit and Go version",
		run: func(_ context.Context, args []string, stdout, stderr io.Writer) int {
			fs := flag.NewFlagSet("version", flag.ContinueOnError)
			if code, done := parseFlags(fs, args, stdout, stderr); done {
				return code
			}
			b := admin.ReadBuild()
			fmt.Fprintf(stdout, "pgturnstile %s (%s, %s)\n", b.Version, b.Revision, b.GoVersion)
			return exitOK
		},
	}
}
