package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
)

// downloadSuite gets src/test/regress from the source package of the PostgreSQL that this Debian has. remove removes it.
func downloadSuite(ctx context.Context) (dir string, remove func(), err error) {
	codename, err := debianCodename()
	if err != nil {
		return "", nil, err
	}
	version, err := installedVersion(ctx)
	if err != nil {
		return "", nil, err
	}
	work, err := os.MkdirTemp("", "describeoracle-source-")
	if err != nil {
		return "", nil, err
	}
	removeAll := func() { _ = os.RemoveAll(work) } // in the folder for temporary files
	defer func() {
		if err != nil {
			removeAll()
		}
	}()
	// Lists of its own: the machine's stay as they are, and need not name sources.
	source := fmt.Sprintf("deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian %s main\n", codename)
	if err := os.WriteFile(filepath.Join(work, "sources.list"), []byte(source), 0o644); err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(filepath.Join(work, "lists", "partial"), 0o755); err != nil {
		return "", nil, err
	}
	apt := []string{
		"-q", "-o", "Dir::Etc::sourcelist=" + filepath.Join(work, "sources.list"), "-o", "Dir::Etc::sourceparts=-",
		"-o", "Dir::State::lists=" + filepath.Join(work, "lists"), "-o", "APT::Sandbox::User=",
	}
	for _, command := range [][]string{{"update"}, {"source", "--download-only", "postgresql-" + version}} {
		if err := runIn(ctx, work, "apt-get", append(apt, command...)...); err != nil {
			return "", nil, err
		}
	}
	if found, _ := filepath.Glob(filepath.Join(work, "postgresql-*.orig.tar.*")); len(found) == 0 {
		return "", nil, errors.New("describeoracle: apt-get brought no source of PostgreSQL")
	}
	if err := runIn(ctx, work, "sh", "-c", "tar xf postgresql-*.orig.tar.* --wildcards '*/src/test/regress/*'"); err != nil {
		return "", nil, err
	}
	found, _ := filepath.Glob(filepath.Join(work, "*", "src", "test", "regress"))
	if len(found) != 1 {
		return "", nil, errors.New("describeoracle: no src/test/regress in the source of PostgreSQL")
	}
	return found[0], removeAll, nil
}

// installedVersion is the major version of the installed server: the one that this Debian has the source of.
func installedVersion(ctx context.Context) (string, error) {
	bin, err := postgres.FindBinaries()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("describeoracle: %w", err)
	}
	number := regexp.MustCompile(`\d+`).Find(out)
	if number == nil {
		return "", fmt.Errorf("describeoracle: postgres --version says %q", out)
	}
	return string(number), nil
}

func runIn(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("describeoracle: %s %s: %w: %s", name, args[len(args)-1], err, out)
	}
	return nil
}

func debianCodename() (string, error) {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("describeoracle: the regression suite is downloaded on Debian only: %w", err)
	}
	defer f.Close()
	var id, codename string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "ID":
			id = strings.Trim(value, `"`)
		case "VERSION_CODENAME":
			codename = strings.Trim(value, `"`)
		}
	}
	if id != "debian" || codename == "" {
		return "", errors.New("describeoracle: the regression suite is downloaded on Debian only; elsewhere give its folder")
	}
	return codename, nil
}
