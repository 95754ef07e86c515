package session

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// Postgres reads a literal when its statement is prepared, and by the settings of that moment. Here the server reads it at each
// execution. Where the two could differ the statement is not executed.

// literalKind is a set of settings that a literal may hang on.
type literalKind uint8

const (
	literalDate     literalKind = 1 << iota // DateStyle: which of 1/2/2003 is the month
	literalZone                             // TimeZone: a time without an offset
	literalInterval                         // IntervalStyle: what a minus sign reaches
)

// literals are the kinds of literal in a text, and the settings that they hang on as they were when it was prepared.
type literals struct {
	kinds    literalKind
	settings string
}

// literalsOf looks for literals that hang on settings. Whether one is a date only the server knows: anything that could be one is.
func (s *Session) literalsOf(text string, o plan.Options) literals {
	var kinds literalKind
	sc := sqlscan.New(text, o.StandardConforming)
	for t, ok := sc.Next(); ok; t, ok = sc.Next() {
		if t.Kind == sqlscan.String {
			kinds |= kindOf(strings.Trim(t.Text(text), "'"))
		}
	}
	if kinds == 0 {
		return literals{}
	}
	return literals{kinds, s.literalSettings(kinds)}
}

// kindOf says which settings the meaning of a literal may hang on.
func kindOf(literal string) (kinds literalKind) {
	const digits = "0123456789"
	if !strings.ContainsAny(literal, digits) || !strings.ContainsAny(literal, "-/.: ") {
		return 0
	}
	lower := strings.ToLower(literal)
	for _, unit := range [...]string{"day", "hour", "min", "sec", "year", "week", "month", "@"} {
		if strings.Contains(lower, unit) {
			if strings.Contains(lower, "-") {
				return literalInterval
			}
			return 0
		}
	}
	iso := len(literal) >= len("2003-") && strings.Trim(literal[:4], digits) == "" && literal[4] == '-'
	if !iso {
		kinds |= literalDate
		if strings.Contains(literal, "-") {
			kinds |= literalInterval
		}
	}
	// An offset stands behind the last colon, or behind the date.
	rest := literal[strings.LastIndexAny(literal, ": ")+1:]
	if colon := strings.LastIndexByte(literal, ':'); colon > 0 && strings.ContainsAny(literal[:colon], "+") {
		rest = literal[:colon]
	}
	if !strings.ContainsAny(rest, "+-Zz") || !strings.Contains(literal, ":") {
		kinds |= literalZone
	}
	return kinds
}

// literalSettings has for each bit of a literalKind its setting.
var literalSettings = [...]string{"datestyle", "timezone", "intervalstyle"}

// literalSettings are the settings that literals of these kinds are read by, as they are now.
func (s *Session) literalSettings(kinds literalKind) string {
	var b strings.Builder
	for i, name := range literalSettings {
		if kinds&(1<<i) != 0 {
			v, _ := s.settings.Now(name, s.facts)
			b.WriteString(v + ";")
		}
	}
	return b.String()
}
