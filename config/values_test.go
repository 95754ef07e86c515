package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

func TestSecretNeverPrints(t *testing.T) {
	const text = "hunter2"
	type outer struct {
		Shown  Secret
		hidden Secret
		More   map[string]Secret
		List   []*Secret
	}
	s := NewSecret(text)
	o := outer{s, s, map[string]Secret{"a": s}, []*Secret{&s}}
	if o.hidden.Reveal() != text {
		t.Fatalf("Reveal gives %q", o.hidden.Reveal())
	}
	printed := map[string]string{"String": s.String(), "GoString": s.GoString(), "error": fmt.Errorf("with %w and %v", fmt.Errorf("%s", s), o).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%U", "%10.3s"} {
		printed[verb] = fmt.Sprintf(verb, s) + fmt.Sprintf(verb, &s) + fmt.Sprintf(verb, o) + fmt.Sprintf(verb, &o)
	}
	for name, marshal := range map[string]func(any) ([]byte, error){
		"JSON": json.Marshal,
		"YAML": func(v any) ([]byte, error) { return yaml.Dump(v) },
	} {
		out, err := marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		printed[name] = string(out)
		if !strings.Contains(printed[name], redacted) {
			t.Errorf("%s gives %s, want %s in it", name, out, redacted)
		}
	}
	for how, got := range printed {
		if strings.Contains(got, text) || strings.Contains(got, fmt.Sprintf("%x", text)) || strings.Contains(got, fmt.Sprintf("%X", text)) {
			t.Errorf("%s shows the secret: %s", how, got)
		}
	}
	if printed["String"] != redacted {
		t.Errorf("String gives %q", printed["String"])
	}
	if empty := NewSecret(""); empty != (Secret{}) || empty.String() != "" || empty.Reveal() != "" {
		t.Errorf("the empty secret prints as %q", empty)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "0B": 0, "1B": 1, "1500B": 1500, "16kB": 16 << 10, "16 kB": 16 << 10, "16KB": 16 << 10, "16KiB": 16 << 10,
		"64MB": 64 << 20, "64  MiB": 64 << 20, "2GB": 2 << 30, "2GiB": 2 << 30, "8589934591GB": 8589934591 << 30,
	} {
		got, err := parseSize(text)
		if err != nil || got != want {
			t.Errorf("%q gives %d (%v), want %d", text, got, err, want)
		}
		if again, err := parseSize(got.String()); err != nil || again != want {
			t.Errorf("%q is printed as %q, which gives %d (%v)", text, got, again, err)
		}
	}
	for _, text := range []string{"", "1", "B", "kB", "-1B", "+1B", "1.5MB", "1 mb", "1MB ", " 1MB", "1M", "1TB", "00", "1 0B", "8589934592GB", "99999999999999999999B", "1\tB"} {
		if got, err := parseSize(text); err == nil && text != "00" {
			t.Errorf("%q gives %d", text, got)
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1ms", 15 * time.Second: "15s", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h",
		24 * time.Hour: "24h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", -10 * time.Minute: "-10m",
		100 * time.Minute: "1h40m", 10*time.Hour + 10*time.Second: "10h0m10s",
	} {
		got := durationText(d)
		if again, err := time.ParseDuration(got); got != want || err != nil || again != d {
			t.Errorf("%v is printed as %q, want %q (%v)", d, got, want, err)
		}
	}
}

func TestSimilarKey(t *testing.T) {
	keys := map[string]int{"level": 0, "format": 1}
	for key, want := range map[string]string{
		"levle": ` (did you mean "level"?)`, "LEVEL": ` (did you mean "level"?)`, "lvl": ` (did you mean "level"?)`,
		"formats": ` (did you mean "format"?)`, "colour": "", "": "", strings.Repeat("level", 20): "",
	} {
		if got := similar(key, keys); got != want {
			t.Errorf("%q gives %q, want %q", key, got, want)
		}
	}
	if got := similar("max-connections", map[string]int{"max_connections": 0}); got != ` (did you mean "max_connections"?)` {
		t.Errorf("max-connections gives %q", got)
	}
}

func TestReportIsBounded(t *testing.T) {
	var file strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&file, "unknown%d: 1\n", i)
	}
	faults := &Faults{}
	_, err := load(parseFile("other.yaml", []byte(file.String()), faults), Source{}, faults)
	if err == nil || len(faults.List) != maxFaults || faults.Omitted != 902 {
		t.Fatalf("%d faults, %d omitted", len(faults.List), faults.Omitted)
	}
	report := err.Error()
	if !strings.HasPrefix(report, "the configuration has 1002 faults:\n") || !strings.HasSuffix(report, "\n  and 902 more") {
		t.Errorf("got %s", report)
	}
}
