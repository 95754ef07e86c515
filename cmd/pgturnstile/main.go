// Command pgturnstile is a Postgres wire proxy: a client pays with a Cognito token in the password field and its
// statements run on Neon over HTTP as itself.
//
// This file is the table of contents: each command has a file of its own, named after it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Exit codes of every command.
const (
	exitOK    = 0
	exitFault = 1 // the command ran and its answer is no
	exitUsage = 2 // the command line was not understood
)

// commands is what this binary can do, in the order of the help text.
func commands() []command {
	return []command{
		serveCommand(),
		checkCommand(),
		healthcheckCommand(),
		devCommand(),
		versionCommand(),
	}
}

// command is one word after the binary's name. run returns the exit code. It owns its signals: ctx ends only when the
// whole process is to end.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

func main() {
	os.Exit(dispatch(context.Background(), commands(), os.Args[1:], os.Stdout, os.Stderr))
}

// dispatch runs the command that args name and returns its exit code.
func dispatch(ctx context.Context, table []command, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		printUsage(stderr, table)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		printUsage(stdout, table)
		return exitOK
	case "-v", "-version", "--version":
		args = append([]string{"version"}, args[1:]...)
	}
	for _, c := range table {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "pgturnstile: there is no command %q\n\n", args[0])
	printUsage(stderr, table)
	return exitUsage
}

func printUsage(w io.Writer, table []command) {
	fmt.Fprint(w, "pgturnstile lets Postgres clients in with a Cognito token and runs their statements on Neon.\n\nUsage: pgturnstile COMMAND [flags]\n\n")
	for _, c := range table {
		fmt.Fprintf(w, "  %-12s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n\"pgturnstile COMMAND -h\" lists the flags of one command.\n")
}

// parseFlags parses args into fs and refuses operands. done means that the command ends now with code: the flags were
// wrong, or help was asked for.
func parseFlags(fs *flag.FlagSet, args []string, stdout, stderr io.Writer) (code int, done bool) {
	fs.SetOutput(io.Discard) // the flag package prints usage and error in an order of its own
	err := fs.Parse(args)
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	switch {
	case err == nil:
		return exitOK, false
	case errors.Is(err, flag.ErrHelp):
		printFlags(fs, stdout)
		return exitOK, true
	}
	fmt.Fprintf(stderr, "pgturnstile %s: %v\n", fs.Name(), err)
	printFlags(fs, stderr)
	return exitUsage, true
}

func printFlags(fs *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "Usage of pgturnstile %s:\n", fs.Name())
	fs.SetOutput(w)
	fs.PrintDefaults()
}
