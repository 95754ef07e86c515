package guc

import (
	"fmt"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

// Set carries out SET [SESSION] of a setting that is kept here.
func (s *Settings) Set(st *plan.Setting) *pgerr.Error {
	if st.Local || st.Form != plan.Assign && st.Form != plan.ToDefault || !IsKept(st.Name) {
		return RefuseSet(st.Name)
	}
	step, ok, err := s.here(asciiLower(st.Name), st, shortDefaults{})
	if err != nil {
		return err
	}
	if !ok {
		return RefuseSet(st.Name)
	}
	step.Done(s)
	return nil
}

// shortDefaults has the shortest floats.
type shortDefaults struct{ noDefaults }

func (shortDefaults) Setting(key string) (name, value string, ok bool) {
	return key, "1", key == floatDigitsKey
}

// RefuseSet is the error for changing a setting that this session cannot keep true.
func RefuseSet(name string) *pgerr.Error {
	return pgerr.Unsupported(fmt.Sprintf("setting %q for a session", name),
		"Kept for a session are application_name, client_min_messages, client_encoding UTF8 and extra_float_digits from 1 up.")
}

// IsKept reports whether name (any case) is a setting that the session answers itself.
func IsKept(name string) bool { return isHere(asciiLower(name), "1", shortDefaults{}) }

// Show gives the value of a kept setting that was set. With ok false the server has to be asked.
func (s *Settings) Show(name string) (value string, ok bool) {
	_, value, ok = s.Value(name, shortDefaults{})
	return value, ok && (s.find(asciiLower(name)) != nil || hereSettings[asciiLower(name)].always)
}

// Name is the setting's name as SHOW heads its column.
func Name(name string) string { return asciiLower(name) }

// Normalize spells application_name as a server of that version (PG_VERSION_NUM) does.
func (s *Settings) Normalize(serverVersion int) {
	if e := s.find(applicationNameKey); e != nil {
		s.assign(applicationNameKey, applicationNameKey, value{set: true, text: cleanASCII(truncateName(e.current().text), serverVersion)}, false, false)
	}
}
