package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version is set by the release build: -ldflags "-X main.version=1.2.3". Without it the module's version stands, which
// is "(devel)" in a working tree.
var version string

// build says what this binary was made from.
type build struct {
	Version   string // release, or the module's version
	Revision  string // commit, with "-dirty" when the tree had changes; "unknown" outside a repository
	GoVersion string
}

// buildOf reads what the linker and the Go tool left in the binary.
func buildOf() build {
	b := build{Version: version, Revision: "unknown", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b.named()
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if dirty {
		b.Revision += "-dirty"
	}
	return b.named()
}

// named gives a build without a version its name.
func (b build) named() build {
	if b.Version == "" {
		b.Version = "(devel)"
	}
	return b
}

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print version, commit and Go version",
		run: func(_ context.Context, args []string, stdout, stderr io.Writer) int {
			fs := flag.NewFlagSet("version", flag.ContinueOnError)
			if code, done := parseFlags(fs, args, stdout, stderr); done {
				return code
			}
			b := buildOf()
			fmt.Fprintf(stdout, "pgturnstile %s (%s, %s)\n", b.Version, b.Revision, b.GoVersion)
			return exitOK
		},
	}
}
