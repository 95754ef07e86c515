package oracle

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
	"testing"
)

// corpus returns the texts of ../testdata, blocks between lines that read %%, and those of plan's tables.
func corpus(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus in ../testdata: %v", err)
	}
	var texts []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n%%\n") {
			texts = append(texts, text)
		}
	}
	for _, name := range []string{"statements.tsv", "settings.tsv"} {
		table, err := os.ReadFile("../../plan/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			if f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3); len(f) == 3 {
				texts = append(texts, f[2])
			}
		}
	}
	return texts
}

// regression returns the SQL of Postgres' regression tests by file name, psql's own commands and COPY data left out. It
// comes from Debian's source package, by the sources that this machine's apt knows, and is kept in the user's cache
// directory.
func regression(t *testing.T) map[string]string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no cache directory for the Postgres source package: %v", err)
	}
	dir := filepath.Join(cache, "pgturnstile", "postgresql-15-regress")
	files, _ := filepath.Glob(filepath.Join(dir, "*.sql"))
	if len(files) == 0 {
		if err := download(t.TempDir(), dir); err != nil {
			t.Skipf("the Debian source package postgresql-15 cannot be had, so only our own corpus is compared: %v", err)
		}
		files, _ = filepath.Glob(filepath.Join(dir, "*.sql"))
	}
	if len(files) < 150 {
		t.Fatalf("%d regression files in %s: remove it", len(files), dir)
	}
	texts := make(map[string]string)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(f)] = withoutPsql(string(data))
	}
	return texts
}

var copyFromStdin = regexp.MustCompile(`(?is)^\s*copy\b.*\bfrom\s+stdin\b.*;\s*$`)

// withoutPsql drops lines that start with a backslash, and the data after COPY ... FROM STDIN.
func withoutPsql(text string) string {
	var out strings.Builder
	data := false
	for line := range strings.Lines(text) {
		switch {
		case data:
			data = strings.TrimSpace(line) != `\.`
		case strings.HasPrefix(line, `\`):
		default:
			out.WriteString(line)
			data = copyFromStdin.MatchString(line)
		}
	}
	return out.String()
}

// download fetches the source package with apt-get, in a state of its own below work, and unpacks its regression SQL to
// dir.
func download(work, dir string) error {
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
	out, err := apt(work, "apt-cache", append(options, "showsrc", "postgresql-15")...)
	if err != nil {
		return fmt.Errorf("apt-cache showsrc: %w", err)
	}
	last := errors.New("no version is listed")
	for _, m := range regexp.MustCompile(`(?m)^Version: (\S+)$`).FindAllStringSubmatch(out, -1) {
		// A mirror may list a version that it no longer has.
		if out, err := apt(work, "apt-get", append(options, "source", "--download-only", "postgresql-15="+m[1])...); err != nil {
			last = fmt.Errorf("%w: %s", err, out)
			continue
		}
		tarballs, _ := filepath.Glob(filepath.Join(work, "postgresql-15_*.orig.tar.bz2"))
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
		if ok, _ := filepath.Match("*/src/test/regress/sql/*.sql", h.Name); !ok {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(r, 4<<20))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(partial, filepath.Base(h.Name)), data, 0o644); err != nil {
			return err
		}
	}
}
