package admin

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestBuildOf(t *testing.T) {
	info := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	for name, c := range map[string]struct {
		release string
		info    *debug.BuildInfo
		want    Build
	}{
		"nothing known": {"", info(""), Build{"(devel)", "unknown", runtime.Version()}},
		"release":       {"1.2.3", info("v0.0.0", revision), Build{"1.2.3", "0123abc", runtime.Version()}},
		"module":        {"", info("v1.0.0", revision, debug.BuildSetting{Key: "vcs.modified", Value: "false"}), Build{"v1.0.0", "0123abc", runtime.Version()}},
		"changed tree":  {"", info("(devel)", debug.BuildSetting{Key: "vcs.modified", Value: "true"}, revision), Build{"(devel)", "0123abc-dirty", runtime.Version()}},
	} {
		if got := buildOf(c.release, c.info); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if b := ReadBuild(); b.Version == "" || b.Revision == "" || b.GoVersion == "" {
		t.Errorf("this binary: %+v", b)
	}
}
