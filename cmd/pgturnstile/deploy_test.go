package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/config"
)

func hasCommand(name string) bool {
	return slices.ContainsFunc(commands(), func(c command) bool { return c.name == name })
}

func readDeployed(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("../../deploy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The unit gives the process what the default configuration asks for, and keeps tokens out of core dumps.
func TestServiceFitsTheDefaults(t *testing.T) {
	unit := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^([A-Za-z]+)=(.*)$`).FindAllStringSubmatch(readDeployed(t, "pgturnstile.service"), -1) {
		unit[found[1]] = found[2]
	}
	for key, want := range map[string]string{"LimitCORE": "0", "DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "CapabilityBoundingSet": ""} {
		if got, set := unit[key]; got != want || !set {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
	if command := strings.Fields(unit["ExecStart"]); len(command) != 2 || !hasCommand(command[1]) {
		t.Errorf("ExecStart=%s", unit["ExecStart"])
	}
	if name, _, _ := strings.Cut(unit["Environment"], "="); name != config.EnvFile {
		t.Errorf("Environment=%s", unit["Environment"])
	}
	d := config.Default()
	stop, err := strconv.Atoi(unit["TimeoutStopSec"])
	if err != nil || time.Duration(stop)*time.Second < d.Shutdown.MinDrain+d.Shutdown.MaxDrain+5*time.Second {
		t.Errorf("TimeoutStopSec=%s (%v) leaves no time to drain", unit["TimeoutStopSec"], err)
	}
	files, err := strconv.Atoi(unit["LimitNOFILE"])
	if err != nil || files < 2*d.Limits.MaxConnections {
		t.Errorf("LimitNOFILE=%s (%v) is too small for %d clients", unit["LimitNOFILE"], err, d.Limits.MaxConnections)
	}
}

// What the image starts and asks exists, and it does not run as root.
func TestDockerfileFitsTheBinary(t *testing.T) {
	file := readDeployed(t, "Dockerfile")
	_, image, found := strings.Cut(file, "\nFROM scratch\n")
	if !found {
		t.Fatal("the image is made of more than the binary")
	}
	for _, line := range []string{"USER 65532:65532", `ENTRYPOINT ["/pgturnstile"]`, "STOPSIGNAL SIGTERM"} {
		if !strings.Contains(image, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, c := range []struct {
		pattern string
		before  []string // words before the command's name
	}{
		{`HEALTHCHECK .*CMD (\[.*\])`, []string{"/pgturnstile"}},
		{`(?m)^CMD (\[.*\])`, nil},
	} {
		found := regexp.MustCompile(c.pattern).FindStringSubmatch(image)
		if found == nil {
			t.Errorf("nothing like %s", c.pattern)
			continue
		}
		var words []string
		if err := json.Unmarshal([]byte(found[1]), &words); err != nil {
			t.Errorf("%s: %v", found[1], err)
		}
		if n := len(c.before); len(words) != n+1 || !slices.Equal(words[:n], c.before) || !hasCommand(words[n]) {
			t.Errorf("%s names no command", found[0])
		}
	}
	// The linker ignores a variable that does not exist.
	variable := regexp.MustCompile(`-X (\S+)\.([a-z]+)=`).FindStringSubmatch(file)
	if variable == nil || !strings.HasPrefix(variable[1], modulePath) {
		t.Fatalf("no version is built in: %v", variable)
	}
	source, err := os.ReadFile("../../" + strings.TrimPrefix(variable[1], modulePath) + "/build.go")
	if err != nil || !strings.Contains(string(source), "\nvar "+variable[2]+" string\n") {
		t.Errorf("%s has no variable %s (%v)", variable[1], variable[2], err)
	}
	for _, address := range []string{config.DefaultListener().Address, config.Default().Admin.Address} {
		_, port, _ := strings.Cut(address, ":")
		if !regexp.MustCompile(`(?m)^EXPOSE .*\b` + port + `\b`).MatchString(image) {
			t.Errorf("port %s is not exposed", port)
		}
	}
}
