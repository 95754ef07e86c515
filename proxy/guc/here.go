package guc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

// hereSetting is a setting that cannot change a result of the database. It is kept and answered here.
type hereSetting struct {
	// canonical checks a value and gives it as SHOW prints it. name is as the client wrote it.
	canonical func(name, text string, d Defaults) (string, *pgerr.Error)
	// standing is the default: "" asks the route.
	standing string
	// boot is the default where the route does not know it either.
	boot string
	// socket: SHOW prints no unit, and for 0 what the system does then, which the route's own connection says.
	socket bool
	// always: answered here even if it was never set, for the server's is that of another connection.
	always bool
}

var hereSettings = map[string]hereSetting{
	applicationNameKey:                    {canonical: canonicalName, always: true},
	minMessagesKey:                        {canonical: canonicalMinMessages, boot: "notice"},
	clientEncodingKey:                     {canonical: canonicalEncoding, standing: utf8Name, always: true},
	"idle_in_transaction_session_timeout": timeout("idle_in_transaction_session_timeout", "ms"),
	"idle_session_timeout":                timeout("idle_session_timeout", "ms"),
	"client_connection_check_interval":    timeout("client_connection_check_interval", "ms"),
	"tcp_user_timeout":                    ofSocket("tcp_user_timeout", "ms"),
	"tcp_keepalives_idle":                 ofSocket("tcp_keepalives_idle", "s"),
	"tcp_keepalives_interval":             ofSocket("tcp_keepalives_interval", "s"),
	"tcp_keepalives_count":                ofSocket("tcp_keepalives_count", ""),
}

const maxInt32 = 1<<31 - 1

// timeout is an integer with a unit.
func timeout(name, base string) hereSetting {
	n := integer{name: name, base: base, max: maxInt32}
	return hereSetting{boot: "0", canonical: func(name, text string, d Defaults) (string, *pgerr.Error) {
		v, err := n.parse(name, text, d.Version())
		return n.show(v), err
	}}
}

// ofSocket is an option of the client's socket.
func ofSocket(name, base string) hereSetting {
	n := integer{name: name, base: base, max: maxInt32}
	return hereSetting{boot: "0", socket: true, canonical: func(name, text string, d Defaults) (string, *pgerr.Error) {
		v, err := n.parse(name, text, d.Version())
		return strconv.FormatInt(v, 10), err
	}}
}

// hereOnly reports whether a setting is kept here whatever its value.
func hereOnly(key string) bool {
	_, ok := hereSettings[key]
	return ok
}

// isHere reports whether a setting with that value is kept here and not sent. extra_float_digits has one meaning from 1 up,
// so it is where the route's default is one of these too.
func isHere(key, text string, d Defaults) bool {
	return hereOnly(key) || key == floatDigitsKey && shortestFloats(text) && shortestFloats(floatDigits(d))
}

func floatDigits(d Defaults) string {
	_, v, _ := d.Setting(floatDigitsKey)
	return v
}

func shortestFloats(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 1
}

// hereDefault is what a setting that is kept here is before it is set.
func hereDefault(key string, d Defaults) string {
	h := hereSettings[key]
	if h.always || h.standing != "" {
		return h.standing
	}
	if _, v, ok := d.Setting(key); ok {
		return v
	}
	return h.boot
}

// here carries out a SET or RESET of a setting that is kept here; ok is false for any other.
func (s *Settings) here(key string, st *plan.Setting, d Defaults) (step Step, ok bool, err *pgerr.Error) {
	if key == floatDigitsKey {
		if !s.floatDigitsHere(st, d) {
			return Step{}, false, nil
		}
	} else if !hereOnly(key) || s.pending(key) && key != clientEncodingKey {
		return Step{}, false, nil // a set_config() of the same group had it sent
	}
	if st.Form == plan.Assign && st.Values > 1 {
		return Step{}, true, pgerr.New(pgerr.InvalidParameterValue, "SET %s takes only one argument", st.Name)
	}
	var text string
	switch st.Form {
	case plan.Assign:
		if text, err = canonicalHere(key, st.Name, st.Value, d); err != nil {
			return Step{}, true, err
		}
	case plan.ToDefault:
		text = s.standing(key, d)
	case plan.FromCurrent:
		text, _ = s.Now(key, d)
	}
	local := st.Local
	return Step{Done: func(s *Settings) {
		s.assign(key, key, value{set: true, text: text}, local, false)
	}}, true, nil
}

// standing is what RESET goes back to.
func (s *Settings) standing(key string, d Defaults) string {
	if v, ok := s.reset[key]; ok {
		return v
	}
	if hereOnly(key) {
		return hereDefault(key, d)
	}
	_, v, _ := d.Setting(key)
	return v
}

// floatDigitsHere: a change of extra_float_digits stays here if it goes from 1 or more to 1 or more.
func (s *Settings) floatDigitsHere(st *plan.Setting, d Defaults) bool {
	if e := s.find(floatDigitsKey); e != nil && (e.pending || e.current().set && !isHere(floatDigitsKey, e.current().text, d)) {
		return false
	}
	switch st.Form {
	case plan.Assign:
		v, err := canonicalFloatDigits(st.Name, st.Value, d)
		return st.Values == 1 && err == nil && isHere(floatDigitsKey, v, d)
	case plan.ToDefault:
		return isHere(floatDigitsKey, s.standing(floatDigitsKey, d), d)
	}
	return shortestFloats(floatDigits(d))
}

func canonicalHere(key, name, text string, d Defaults) (string, *pgerr.Error) {
	if key == floatDigitsKey {
		return canonicalFloatDigits(name, text, d)
	}
	h := hereSettings[key]
	text, err := h.canonical(name, text, d)
	if err == nil && h.socket && text == "0" {
		text = hereDefault(key, d)
	}
	return text, err
}

// Value answers SHOW of a setting that is kept here, with the column's name. ok is false where the server has to be asked.
func (s *Settings) Value(name string, d Defaults) (column, text string, ok bool) {
	key := asciiLower(name)
	e := s.find(key)
	if e != nil && e.pending {
		return "", "", false
	}
	if e != nil && e.current().set && isHere(key, e.current().text, d) {
		return key, e.current().text, true
	}
	if e == nil && hereOnly(key) {
		if _, _, known := d.Setting(key); known || hereSettings[key].always {
			return key, hereDefault(key, d), true
		}
	}
	return "", "", false
}

func canonicalName(_, text string, d Defaults) (string, *pgerr.Error) {
	return cleanASCII(truncateName(text), d.Version()), nil
}

// messageLevels are client_min_messages' values (client_message_level_options in guc_tables.c).
var messageLevels = []string{"debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"}

func canonicalMinMessages(name, text string, _ Defaults) (string, *pgerr.Error) {
	level := asciiLower(text)
	switch level { // accepted, but not offered in the hint
	case "debug":
		return "debug2", nil
	case "info":
		return "info", nil
	}
	if slices.Contains(messageLevels, level) {
		return level, nil
	}
	return "", invalidValue(name, text).WithHint("Available values: %s.", strings.Join(messageLevels, ", "))
}

func canonicalEncoding(_, text string, _ Defaults) (string, *pgerr.Error) {
	const name = clientEncodingKey // a check hook's errors have the name as the server spells it
	enc, ok := encoding.Lookup(text)
	if !ok {
		return "", invalidValue(name, text)
	}
	if err := enc.Refusal(); err != nil {
		if err.Detail != "" { // Postgres' own: it repeats the value as it was given
			own := *err
			own.Message = invalidValue(name, text).Message
			err = &own
		}
		return "", err
	}
	return enc.Name(), nil
}

var floatDigitsRange = integer{name: floatDigitsKey, min: -15, max: 3}

func canonicalFloatDigits(name, text string, d Defaults) (string, *pgerr.Error) {
	n, err := floatDigitsRange.parse(name, text, d.Version())
	return strconv.FormatInt(n, 10), err
}
