package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
)

// InstallHint says how to get the binaries where they are missing.
const InstallHint = "install the PostgreSQL server, for example: apt-get install postgresql (Debian, Ubuntu), " +
	"dnf install postgresql-server (Fedora), brew install postgresql (macOS)"

// binDirs are where distributions keep server binaries outside PATH. A * stands for the version.
var binDirs = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/local/pgsql/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
}

// FindBinaries returns the directory that holds initdb and postgres: the newest version installed, else what PATH
// names. Its error says how to install them.
func FindBinaries() (string, error) {
	for _, pattern := range binDirs {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("postgres: BUG: pattern %q: %w", pattern, err)
		}
		sort.Slice(dirs, func(i, j int) bool { return versionIn(dirs[i]) > versionIn(dirs[j]) })
		for _, dir := range dirs {
			if hasBinaries(dir) {
				return dir, nil
			}
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		// Distributions link initdb into PATH alone: postgres stands beside what the link points to.
		if real, err := filepath.EvalSymlinks(path); err == nil && hasBinaries(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	return "", fmt.Errorf("postgres: no initdb and postgres found in %v or PATH; %s", binDirs, InstallHint)
}

func hasBinaries(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// versionIn returns the last number in a path such as /usr/lib/postgresql/15/bin, 0 if there is none.
func versionIn(dir string) float64 {
	var version float64
	for start := 0; start < len(dir); start++ {
		end := start
		for end < len(dir) && (dir[end] >= '0' && dir[end] <= '9' || dir[end] == '.' && end > start) {
			end++
		}
		if v, err := strconv.ParseFloat(dir[start:end], 64); err == nil {
			version = v
		}
		start = end
	}
	return version
}
