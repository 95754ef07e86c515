package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/proxytest/regress"
)

// downloadSuite gets the regression suite of the installed server's version.
func downloadSuite(ctx context.Context) (dir string, err error) {
	version, err := installedVersion(ctx)
	if err != nil {
		return "", err
	}
	return regress.Suite(version)
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
