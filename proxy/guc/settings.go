package guc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

// Settings are the kept settings of one session: a value, copied to take a snapshot, owned by the session's goroutine.
type Settings struct {
	values [keptCount]setting // what is in force
	reset  [keptCount]setting // what SET ... TO DEFAULT goes back to: the startup packet's value
}

// setting is one value. One that was never given is the server's to show.
type setting struct {
	value string
	given bool
}

// maxName is NAMEDATALEN - 1: application_name is cut there, in bytes, at a character.
const maxName = 63

// Set carries out SET [SESSION] of a kept setting.
func (s *Settings) Set(st *plan.Setting) *pgerr.Error {
	i, ok := indexOf(st.Name)
	if !ok {
		return RefuseSet(st.Name)
	}
	if st.Local {
		return pgerr.Unsupported("SET LOCAL "+keptSettings[i].name, "Use SET without LOCAL.")
	}
	if st.Default {
		s.values[i] = s.reset[i]
		return nil
	}
	if st.Values > 1 {
		return pgerr.New(pgerr.InvalidParameterValue, "SET %s takes only one argument", keptSettings[i].name)
	}
	v, err := keptSettings[i].canonical(st.Value)
	if err != nil {
		return err
	}
	s.values[i] = setting{value: v, given: true}
	return nil
}

// RefuseSet is the error for changing a setting that this session cannot keep true.
func RefuseSet(name string) *pgerr.Error {
	return pgerr.Unsupported(fmt.Sprintf("setting %q for a session", name),
		"Kept for a session are application_name, client_min_messages, client_encoding UTF8 and extra_float_digits from 1 up.")
}

// Show gives the value of a kept setting that was set. With ok false the server has to be asked.
func (s *Settings) Show(name string) (value string, ok bool) {
	i, kept := indexOf(name)
	if !kept {
		return "", false
	}
	switch i {
	case applicationName, clientEncoding: // the upstream's own connection has others
		return s.values[i].value, true
	default:
		return s.values[i].value, s.values[i].given
	}
}

// Name is the setting's name as SHOW heads its column.
func Name(name string) string {
	if i, ok := indexOf(name); ok {
		return keptSettings[i].name
	}
	return name
}

// WantsWarnings reports whether client_min_messages lets a WARNING through.
func (s *Settings) WantsWarnings() bool { return s.values[clientMinMessages].value != "error" }

// ApplicationName is what the client calls itself, for logs: hostile text.
func (s *Settings) ApplicationName() string { return s.values[applicationName].value }

// Normalize spells application_name as a server of that version (PG_VERSION_NUM) does: before 16 every byte outside
// printable ASCII becomes '?', from 16 on \xNN (pg_clean_ascii). Call it after Startup and Set.
func (s *Settings) Normalize(serverVersion int) {
	for _, v := range []*setting{&s.values[applicationName], &s.reset[applicationName]} {
		v.value = cleanASCII(truncateName(v.value), serverVersion)
	}
}

func truncateName(s string) string {
	if len(s) <= maxName {
		return s
	}
	n := maxName
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func cleanASCII(s string, serverVersion int) string {
	clean := true
	for i := range len(s) {
		clean = clean && s[i] >= 32 && s[i] <= 126
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 32 && c <= 126:
			b.WriteByte(c)
		case serverVersion >= 160000:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}
