package guc

import (
	"slices"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Defaults are a route's own settings: what its server says before a session has changed any.
type Defaults interface {
	// Setting gives the canonical name and the value, as SHOW prints it, of the setting with that name in lower case. ok is
	// false for a name that the server does not list, such as a placeholder's.
	Setting(lowerName string) (name, value string, ok bool)
	// Version is server_version_num, such as 150018.
	Version() int
}

// Bounds of one session. A server has about 400 settings of its own.
const (
	maxSettings = 1000
	maxBytes    = 1 << 20 // of names and values
)

// Settings are the settings of one session. It is a value: copying it takes a snapshot. What it points to is never changed, a
// change makes it anew. It is owned by the session's goroutine; the zero value has every setting at the route's default.
type Settings struct {
	entries []entry           // in the order of their last assignment; the head repeats it
	reset   map[string]string // by lower-case name: what the startup packet gave, canonical
	start   []assignment      // of the startup packet, until StartupStep takes them
	changed []string          // lower-case names of reported settings in the order of their first change since Reported

	// The rest is about the group that a copy plans, see entry.pending.
	unread     bool     // set_config() has assigned settings that are known only when they are read
	localCalls []string // set_config() has assigned these for the transaction, in lower case
	localRows  bool     // and others
	hiddenPath bool     // search_path has been assigned, and may name the temporary schema
}

// assignment is one name with the value given to it.
type assignment struct{ name, value string }

// entry is one setting that has been assigned. A setting has a value for the session and one for the transaction, as on
// Postgres' stack of values (src/backend/utils/misc/README): SET gives the first and takes the second away, SET LOCAL gives
// the second, which ends with the transaction.
type entry struct {
	key  string // the name in lower case: names are compared without case
	name string // as the server spells it; a placeholder's as it was first written

	session, local value

	// pending: a statement of this group assigns it and the server's answer is not there yet. Only in a Settings that is used
	// to plan a group; see Apply.
	pending bool
	guess   string // while pending: what it is likely to be, "" if nobody can tell
	// placeholder: the server did not list the name. Once it is there it never goes away, it becomes empty.
	placeholder bool
}

// value is what SHOW prints, and what has to be sent to have it.
type value struct {
	set  bool
	text string
	send string // "": text. SHOW rounds the numbers of some settings to six digits
}

func (v value) sent() string {
	if v.send != "" {
		return v.send
	}
	return v.text
}

// current is the value in force, unset for the default.
func (e *entry) current() value {
	if e.local.set {
		return e.local
	}
	return e.session
}

func (e *entry) size() int {
	return len(e.name) + len(e.session.text) + len(e.session.send) + len(e.local.text) + len(e.local.send)
}

// find returns the entry of that lower-case name, nil if there is none. It must not be changed.
func (s *Settings) find(key string) *entry {
	for i := range s.entries {
		if s.entries[i].key == key {
			return &s.entries[i]
		}
	}
	return nil
}

// value is the value of a setting that has been assigned, unset if it has not or is pending.
func (s *Settings) value(key string) value {
	if e := s.find(key); e != nil && !e.pending {
		return e.current()
	}
	return value{}
}

// assign gives a value for the session or the transaction. It is the last assignment then.
func (s *Settings) assign(key, name string, v value, local, placeholder bool) {
	e := entry{key: key, name: name, placeholder: placeholder}
	entries := make([]entry, 0, len(s.entries)+1)
	for _, old := range s.entries {
		if old.key == key {
			e = old
			continue
		}
		entries = append(entries, old)
	}
	if local {
		e.local = v
	} else {
		e.session, e.local = v, value{}
	}
	e.pending, e.guess = false, ""
	s.entries = append(entries, e)
	s.touch(key)
}

// drop takes a setting back to the route's default.
func (s *Settings) drop(key string) {
	if s.find(key) == nil {
		return
	}
	entries := make([]entry, 0, len(s.entries))
	for _, e := range s.entries {
		if e.key != key {
			entries = append(entries, e)
		}
	}
	s.entries = entries
	s.touch(key)
}

// mark makes a setting pending.
func (s *Settings) mark(key, name, guess string, placeholder bool) {
	s.entries = slices.Clone(s.entries)
	for i := range s.entries {
		if s.entries[i].key == key {
			s.entries[i].pending, s.entries[i].guess = true, guess
			return
		}
	}
	s.entries = append(s.entries, entry{key: key, name: name, placeholder: placeholder, pending: true, guess: guess})
}

func (s *Settings) pending(key string) bool {
	e := s.find(key)
	return e != nil && e.pending
}

// touch notes the first change of a reported setting.
func (s *Settings) touch(key string) {
	if isReported(key) && !slices.Contains(s.changed, key) {
		s.changed = append(slices.Clip(s.changed), key)
	}
}

// room refuses one more assignment when the session's bounds would be passed.
func (s *Settings) room(key string, bytes int) *pgerr.Error {
	names, total := 1, len(key)+bytes
	for i := range s.entries {
		if s.entries[i].key != key {
			names++
			total += s.entries[i].size()
		}
	}
	return within(names, total)
}

func within(names, bytes int) *pgerr.Error {
	if names > maxSettings {
		return pgerr.New(pgerr.ProgramLimitExceeded, "a session can change at most %d settings", maxSettings)
	}
	if bytes > maxBytes {
		return pgerr.New(pgerr.ProgramLimitExceeded, "the settings of a session can have at most %d bytes", maxBytes)
	}
	return nil
}

// full reports that the bounds have been passed.
func (s *Settings) full() *pgerr.Error {
	total := 0
	for i := range s.entries {
		total += s.entries[i].size()
	}
	return within(len(s.entries), total)
}

// Commit ends a transaction: what was set for it alone is gone.
func (s *Settings) Commit() {
	s.unread, s.localCalls, s.localRows, s.hiddenPath = false, nil, false, false
	if !slices.ContainsFunc(s.entries, func(e entry) bool { return e.local.set }) {
		return
	}
	for _, e := range slices.Backward(s.entries) { // as they come off the stack
		if e.local.set {
			s.touch(e.key)
		}
	}
	entries := make([]entry, 0, len(s.entries))
	for _, e := range s.entries {
		if e.local.set {
			if e.local = (value{}); !e.session.set {
				if !e.placeholder {
					continue
				}
				e.session = value{set: true}
			}
		}
		entries = append(entries, e)
	}
	s.entries = entries
}

// Transaction gives what default_transaction_isolation, _read_only and _deferrable make of the next transaction: "" and nil
// where the route's default holds.
func (s *Settings) Transaction(d Defaults) (isolation upstream.IsolationLevel, readOnly, deferrable *bool) {
	if v, ok := s.differs(defaultIsolation, d); ok {
		isolation = upstream.IsolationLevel(strings.ToUpper(v))
	}
	flag := func(key string) *bool {
		v, ok := s.differs(key, d)
		if !ok {
			return nil
		}
		on := v == "on"
		return &on
	}
	return isolation, flag(defaultReadOnly), flag(defaultDeferrable)
}

// differs gives the value in force if it is not the route's default.
func (s *Settings) differs(key string, d Defaults) (string, bool) {
	v := s.value(key)
	if !v.set {
		return "", false
	}
	_, standing, known := d.Setting(key)
	return v.text, !known || standing != v.text
}

// StandardConforming is standard_conforming_strings: whether a backslash in '...' is an ordinary character.
func (s *Settings) StandardConforming(d Defaults) bool {
	if e := s.find(conformingKey); e != nil && e.pending && e.guess != "" {
		return e.guess != "off"
	}
	if v := s.value(conformingKey); v.set {
		return v.text != "off"
	}
	_, standing, known := d.Setting(conformingKey)
	return !known || standing != "off"
}

// Encoding is client_encoding by its canonical name.
func (s *Settings) Encoding() string {
	if v := s.value(clientEncodingKey); v.set {
		return v.text
	}
	return utf8Name
}

// WantsWarnings reports whether client_min_messages lets a WARNING through.
func (s *Settings) WantsWarnings() bool { return s.value(minMessagesKey).text != "error" }

// ApplicationName is what the client calls itself, for logs: hostile text.
func (s *Settings) ApplicationName() string { return s.value(applicationNameKey).text }

// asciiLower folds a name as guc_name_compare does: ASCII letters alone.
func asciiLower(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
