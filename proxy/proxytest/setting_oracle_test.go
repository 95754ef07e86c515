package proxytest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

const (
	settingSessions = 30
	settingSteps    = 14
	settingsTouched = 60 // by all of them together, at least
)

// settingRoles is what sessions switch to. Roles belong to both databases.
const settingRoles = `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'settings_reader') THEN
CREATE ROLE settings_reader; GRANT settings_reader TO authenticated; END IF; END $$`

// TestSettingSessions plays generated sessions that work on settings to both sides: always the same few, or as many new ones as
// PROXYTEST_SESSIONS says. PROXYTEST_SEED repeats one.
func TestSettingSessions(t *testing.T) {
	s := startStack(t)
	if err := execute(t.Context(), s.oracle.config, settingRoles); err != nil {
		t.Fatal(err)
	}
	sessions, first := settingSessions, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("PROXYTEST_SESSIONS")); err == nil {
		sessions, first = n, rand.Uint64()
	}
	if n, err := strconv.ParseUint(os.Getenv("PROXYTEST_SEED"), 10, 64); err == nil {
		sessions, first = 1, n
	}
	accepted, err := readGeneralDifferences("testdata/setting_sessions.differences")
	if err != nil {
		t.Fatal(err)
	}
	if directOnBothSides {
		accepted = &generalDifferences{}
	}
	compared, touched := 0, map[string]bool{}
	for i := range sessions {
		seed := first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := &settingSession{r: rand.New(rand.NewPCG(seed, 1)), seed: seed}
			text := g.script(settingSteps)
			for _, s := range g.touched {
				touched[s.name] = true
			}
			script, err := ParseScript(text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			postgres, proxy := s.sides(t, script)
			unsure := false
			for n := range min(len(postgres), len(proxy)) {
				if unsure && strings.HasSuffix(postgres[n].Title, "end") {
					unsure = false // the step ends the block that one of the sides may have open
					continue
				}
				want, differs := accepted.rest(postgres[n].Lines)
				same, blockUnsure := sameButForErrors(want, proxy[n].Lines)
				unsure = differs || blockUnsure
				if !same && !accepted.stops(proxy[n].Lines) {
					t.Errorf("step %s:\n%s\nPostgres:\n%s\nproxy:\n%s", postgres[n].Title, sectionOf(text, postgres[n].Title), indent(postgres[n].Lines), indent(proxy[n].Lines))
				}
				if !same {
					break // from here on the sessions are not in the same state
				}
				compared++
			}
		})
	}
	if sessions == settingSessions && len(touched) < settingsTouched {
		t.Errorf("the sessions work on %d settings", len(touched))
	}
	if least := sessions * 2 * settingSteps; compared < least {
		t.Errorf("only %d steps were compared of what should be more than %d", compared, least)
	}
	t.Logf("%d settings, %d steps compared, first seed %d", len(touched), compared, first)
}
