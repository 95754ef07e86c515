package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// An environment is what a ready file or a state file holds: variables that a shell can source. The order is kept.
type environment []variable

type variable struct{ name, value string }

// maxEnvironmentFile bounds what is read of a file that may not be one of ours.
const maxEnvironmentFile = 1 << 20

// get returns the variable's value, "" if there is none.
func (e environment) get(name string) string {
	for _, v := range e {
		if v.name == name {
			return v.value
		}
	}
	return ""
}

// write writes the file with mode 0600, and atomically: whoever waits for its name finds it whole.
func (e environment) write(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, v := range e {
		fmt.Fprintf(w, "%s=%s\n", v.name, shellQuote(v.value))
	}
	err = errors.Join(w.Flush(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// readEnvironment reads what write wrote.
func readEnvironment(path string) (environment, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxEnvironmentFile {
		return nil, fmt.Errorf("%s is no file that pgturnstile dev wrote", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var e environment
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			return nil, fmt.Errorf("%s is no file that pgturnstile dev wrote", path)
		}
		e = append(e, variable{name, shellUnquote(value)})
	}
	return e, nil
}

// removeOwn removes the file unless something else stands in its place by now.
func removeOwn(path, pid string) error {
	if e, err := readEnvironment(path); err != nil || e.get("PID") != pid {
		return nil
	}
	return os.Remove(path)
}

// shellQuote returns s as one word of a POSIX shell, as it is if that is safe.
func shellQuote(s string) string {
	safe := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_@%+=:,./-", c)
	}
	if s != "" && !strings.ContainsFunc(s, func(c rune) bool { return !safe(c) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// shellUnquote undoes shellQuote.
func shellUnquote(s string) string {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return s
	}
	return strings.ReplaceAll(s[1:len(s)-1], `'\''`, "'")
}
