package admin

import (
	"runtime"
	"runtime/debug"
)

// version is set by a release build:
//
//	-ldflags "-X github.com/pgturnstile/pgturnstile/proxy/admin.version=1.2.3"
//
// Without it the version is what the Go tool made of the commit.
var version string

// Build says what a binary was made from.
type Build struct {
	Version   string // the release, else the module's version, else "(devel)"
	Revision  string // the commit, with "-dirty" when the tree had changes; "unknown" outside a repository
	GoVersion string
}

// ReadBuild returns the build of this binary.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(version, info)
}

// buildOf reads what the Go tool left in info.
func buildOf(release string, info *debug.BuildInfo) Build {
	b := Build{Version: release, Revision: "unknown", GoVersion: runtime.Version()}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" {
		b.Version = "(devel)"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		b.Revision = revision
		if settings["vcs.modified"] == "true" {
			b.Revision += "-dirty"
		}
	}
	return b
}
