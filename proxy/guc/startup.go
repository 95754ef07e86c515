package guc

import (
	"maps"
	"slices"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// ignoredAtStartup are connection parameters that Neon's own connection strings carry and some drivers pass on as
// settings. They say nothing about the session.
var ignoredAtStartup = map[string]bool{"channel_binding": true, "project": true, "endpoint": true}

// Startup takes the settings of a StartupMessage: every parameter but user, database, replication and _pq_ options. As
// in Postgres (process_startup_options) the switches in options come first, then the parameters by name. The error is
// FATAL: 42501, 42601, 22023, 54000, or 0A000 for a switch that sets nothing. What the server has to validate waits for
// StartupStep, which completes the settings and must be called.
func Startup(params []wire.Parameter) (*Settings, *pgerr.Error) {
	s := &Settings{}
	for _, p := range params {
		if p.Name != "options" {
			continue
		}
		switches, err := parseOptions(p.Value)
		if err != nil {
			return nil, err.Fatal()
		}
		s.start = append(s.start, switches...)
	}
	for _, p := range params {
		if p.Name != "options" && !ignoredAtStartup[asciiLower(p.Name)] {
			s.start = append(s.start, assignment{p.Name, p.Value})
		}
	}
	total := 0
	for _, a := range s.start {
		if err := s.startHere(a); err != nil {
			return nil, err.Fatal()
		}
		total += len(a.name) + len(a.value)
	}
	if err := within(len(s.start), total); err != nil {
		return nil, err.Fatal()
	}
	return s, nil
}

// startHere gives an error that needs no server, and takes what is kept here in any case.
func (s *Settings) startHere(a assignment) *pgerr.Error {
	key := asciiLower(a.name)
	switch {
	case isJWT(key):
		return refuseJWT(shortWord(a.name))
	case isIdentity(key):
		return pgerr.New(pgerr.InsufficientPrivilege, `permission denied to set parameter "%s"`, key).
			WithHint("Remove it from the connection's options; SET it in the session.")
	case key == seedKey: // it would be the next users' too
		return pgerr.Unsupported("the startup option seed", "For an order that can be repeated, sort by a hash.")
	case !hereOnly(key):
		return nil
	}
	text, err := canonicalHere(key, a.name, a.value, noDefaults{})
	if err != nil {
		return err
	}
	s.begin(key, key, text, false)
	return nil
}

// begin gives a startup value: the session's, and what RESET goes back to.
func (s *Settings) begin(key, name, text string, placeholder bool) {
	s.assign(key, name, value{set: true, text: text}, false, placeholder)
	if s.reset = maps.Clone(s.reset); s.reset == nil {
		s.reset = map[string]string{}
	}
	s.reset[key] = text
}

// noDefaults is a server that nothing is known of yet.
type noDefaults struct{}

func (noDefaults) Setting(string) (name, value string, ok bool) { return "", "", false }
func (noDefaults) Version() int                                 { return 0 }

// StartupStep completes Startup with what the route's server is, and says what it has to be asked at login; false: nothing.
// The values are in force, and what RESET goes back to, once Learn has them. An error of the Step's statement ends the
// session.
func (s *Settings) StartupStep(d Defaults) (Step, bool) {
	start := s.start
	s.start = nil
	asked := map[string]bool{} // by key: one of its values is not the default's own words
	for _, a := range start {
		key := asciiLower(a.name)
		if !s.standsAlready(key, a.value, d) {
			asked[key] = true
		}
	}
	var set setConfigs
	var names []string
	for _, a := range start {
		key := asciiLower(a.name)
		name := s.canonical(key, a.name, d)
		switch {
		case hereOnly(key): // again, for a server's version and defaults have a say
			text, err := canonicalHere(key, a.name, a.value, d)
			if err != nil {
				panic("BUG: Startup has accepted this value")
			}
			s.begin(key, key, text, false)
		case asked[key]:
			set.call(a.name, &a.value)
			if !slices.ContainsFunc(names, func(n string) bool { return asciiLower(n) == key }) {
				names = append(names, name)
			}
		case key == floatDigitsKey:
			text, _ := canonicalFloatDigits(a.name, a.value, d)
			s.begin(key, name, text, false)
		default:
			s.begin(key, name, a.value, false)
		}
	}
	if len(names) == 0 {
		return Step{}, false
	}
	return Step{
		Statements: []Statement{own(set.statement())},
		Read:       read(names),
		Learn: func(s *Settings, rows []Pair) *pgerr.Error {
			for _, row := range rows {
				key := asciiLower(row.Name)
				if row.Value != nil && !isTransactions(key) {
					s.begin(key, s.canonical(key, row.Name, d), *row.Value, isPlaceholder(key, d))
				}
			}
			return s.full()
		},
	}, true
}

// standsAlready reports whether a startup value need not be validated: it is the route's default as SHOW prints it, or is
// kept here.
func (s *Settings) standsAlready(key, text string, d Defaults) bool {
	if hereOnly(key) {
		return true
	}
	if key == floatDigitsKey {
		v, err := canonicalFloatDigits(key, text, d)
		return err == nil && isHere(key, v, d)
	}
	_, standing, known := d.Setting(key)
	return known && standing == text
}
