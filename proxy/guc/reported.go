package guc

import (
	"iter"
	"slices"
)

// reported are the settings that Postgres reports when they change and that a session can change (GUC_REPORT in
// guc_tables.c), in the order of their names, with the first version that reports them.
var reported = [...]struct {
	key, name string
	since     int
}{
	{applicationNameKey, "application_name", 0},
	{clientEncodingKey, "client_encoding", 0},
	{dateStyleKey, "DateStyle", 0},
	{defaultReadOnly, "default_transaction_read_only", 140000},
	{"intervalstyle", "IntervalStyle", 0},
	{superuserKey, "is_superuser", 0},
	{"scram_iterations", "scram_iterations", 160000},
	{"search_path", "search_path", 180000},
	{authorizationKey, "session_authorization", 0},
	{conformingKey, "standard_conforming_strings", 0},
	{"timezone", "TimeZone", 0},
}

func isReported(key string) bool {
	for i := range reported {
		if reported[i].key == key {
			return true
		}
	}
	return false
}

// recentFirstSince is the version from which changes are reported in the reverse order of their first change (an slist
// that is pushed to); before they came in the order of the table of settings, by name.
const recentFirstSince = 160000

// Reported gives every setting that a server of the route's version reports and a session can change, with its value now, in
// the order in which such a server reports changes before ReadyForQuery. To have run through it ends a report: what
// changes next counts as changed first.
func (s *Settings) Reported(d Defaults) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		var order []int
		if d.Version() >= recentFirstSince {
			for _, key := range slices.Backward(s.changed) {
				order = append(order, slices.IndexFunc(reported[:], func(r struct {
					key, name string
					since     int
				}) bool {
					return r.key == key
				}))
			}
		}
		for i := range reported {
			if !slices.Contains(order, i) {
				order = append(order, i)
			}
		}
		for _, i := range order {
			r := reported[i]
			if d.Version() < r.since {
				continue
			}
			if v, ok := s.Now(r.key, d); ok && !yield(r.name, v) {
				return
			}
		}
		s.changed = nil
	}
}

// Changed reports whether a reported setting has been assigned since Reported was run through last.
func (s *Settings) Changed() bool { return len(s.changed) > 0 }

// Now is the value of a setting, by its lower-case name, as SHOW prints it; false if neither the session nor the route knows one.
func (s *Settings) Now(key string, d Defaults) (string, bool) {
	if v := s.value(key); v.set {
		return v.text, true
	}
	if hereOnly(key) {
		return hereDefault(key, d), true
	}
	_, v, ok := d.Setting(key)
	return v, ok
}
