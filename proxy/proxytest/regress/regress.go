package regress

import (
	"archive/tar"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxFile bounds one file of the suite, in bytes.
const maxFile = 16 << 20

// Suite returns the folder src/test/regress of PostgreSQL of that major version, such as "15". It comes from Debian's source package,
// by the sources that this machine's apt knows, and is kept in the user's cache directory.
func Suite(version string) (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "pgturnstile", "postgresql-"+version+"-suite")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	work, err := os.MkdirTemp("", "regress-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := download(work, version, dir); err != nil {
		return "", fmt.Errorf("the Debian source package postgresql-%s cannot be had: %w", version, err)
	}
	return dir, nil
}

// download fetches the source package of that major version with apt-get, in a state of its own below work, and unpacks
// src/test/regress to dir.
func download(work, version, dir string) error {
	name := "postgresql-" + version
	if _, err := exec.LookPath("apt-get"); err != nil {
		return err
	}
	options, err := sourceOptions(work)
	if err != nil {
		return err
	}
	if out, err := apt(work, "apt-get", append(options, "update")...); err != nil {
		return fmt.Errorf("apt-get update: %w: %s", err, out)
	}
	out, err := apt(work, "apt-cache", append(options, "showsrc", name)...)
	if err != nil {
		return fmt.Errorf("apt-cache showsrc: %w", err)
	}
	last := errors.New("no version is listed")
	for _, m := range regexp.MustCompile(`(?m)^Version: (\S+)$`).FindAllStringSubmatch(out, -1) {
		// A mirror may list a version that it no longer has.
		if out, err := apt(work, "apt-get", append(options, "source", "--download-only", name+"="+m[1])...); err != nil {
			last = fmt.Errorf("%w: %s", err, out)
			continue
		}
		tarballs, _ := filepath.Glob(filepath.Join(work, name+"_*.orig.tar.bz2"))
		if len(tarballs) > 0 {
			return unpack(tarballs[0], dir)
		}
	}
	return last
}

func apt(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sourceOptions copies apt's sources to work with deb-src in place of deb, and returns the options that make apt use
// them without touching the machine's own state.
func sourceOptions(work string) ([]string, error) {
	parts := filepath.Join(work, "parts")
	for _, d := range []string{parts, filepath.Join(work, "lists/partial"), filepath.Join(work, "cache/archives/partial")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*.sources")
	lists, _ := filepath.Glob("/etc/apt/sources.list.d/*.list")
	for _, f := range slices.Concat(files, lists, []string{"/etc/apt/sources.list"}) {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		text := regexp.MustCompile(`(?m)^Types:.*$`).ReplaceAllString(string(data), "Types: deb-src")
		text = regexp.MustCompile(`(?m)^deb\s`).ReplaceAllString(text, "deb-src ")
		if err := os.WriteFile(filepath.Join(parts, filepath.Base(f)), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return []string{
		"-o", "Dir::Etc::sourcelist=/dev/null", "-o", "Dir::Etc::sourceparts=" + parts,
		"-o", "Dir::State::lists=" + filepath.Join(work, "lists"), "-o", "Dir::Cache=" + filepath.Join(work, "cache"),
		"-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=0",
	}, nil
}

func unpack(tarball, dir string) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	partial := dir + ".partial"
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	r := tar.NewReader(bzip2.NewReader(f))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return os.Rename(partial, dir)
		}
		if err != nil {
			return err
		}
		_, name, ok := strings.Cut(h.Name, "/src/test/regress/")
		if !ok || h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(r, maxFile))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(partial, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(partial, name), data, 0o644); err != nil {
			return err
		}
	}
}
