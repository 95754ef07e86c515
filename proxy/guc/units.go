package guc

import (
	"math"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// unit is a unit of time as a setting's value may have it.
type unit struct {
	name string
	in   map[string]float64 // how much it is in each base unit
}

// timeUnits are the units from the largest to the smallest (time_unit_conversion_table in guc.c). Only ms and s are base
// units of settings that are kept here.
var timeUnits = [...]unit{
	{"d", map[string]float64{"ms": 24 * 60 * 60 * 1000, "s": 24 * 60 * 60}},
	{"h", map[string]float64{"ms": 60 * 60 * 1000, "s": 60 * 60}},
	{"min", map[string]float64{"ms": 60 * 1000, "s": 60}},
	{"s", map[string]float64{"ms": 1000, "s": 1}},
	{"ms", map[string]float64{"ms": 1, "s": 1. / 1000}},
	{"us", map[string]float64{"ms": 1. / 1000, "s": 1. / (1000 * 1000)}},
}

const (
	timeUnitsHint = `Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".`
	overflowHint  = "Value exceeds integer range."
	maxUnitLength = 3
)

// integer describes a setting that is an integer.
type integer struct {
	name     string
	base     string // its unit: "ms", "s" or "" for none
	min, max int64
}

// unitsInRangeSince is the version from which the bounds in the error have units.
const unitsInRangeSince = 170000

// parse reads a value as Postgres does (parse_int and parse_and_validate_value in guc.c). name is as the client wrote it.
func (i integer) parse(name, text string, version int) (int64, *pgerr.Error) {
	n, hint, ok := parseInteger(text, i.base)
	if !ok {
		err := invalidValue(name, text)
		if hint != "" {
			err = err.WithHint("%s", hint)
		}
		return 0, err
	}
	if n < i.min || n > i.max {
		base, inRange := i.base, ""
		if base != "" {
			base = " " + base
		}
		if version >= unitsInRangeSince {
			inRange = base
		}
		return 0, pgerr.New(pgerr.InvalidParameterValue, `%d%s is outside the valid range for parameter "%s" (%d%s .. %d%s)`,
			n, base, name, i.min, inRange, i.max, inRange)
	}
	return n, nil
}

// show prints a value with the largest unit in which it is an integer (_ShowOption in guc.c).
func (i integer) show(n int64) string {
	if n > 0 && i.base != "" {
		for _, u := range timeUnits {
			if m := u.in[i.base]; m == 1 || m > 1 && n%int64(m) == 0 {
				return strconv.FormatInt(n/int64(m), 10) + u.name
			}
		}
	}
	return strconv.FormatInt(n, 10)
}

func invalidValue(name, value string) *pgerr.Error {
	return pgerr.New(pgerr.InvalidParameterValue, `invalid value for parameter "%s": "%s"`, name, value)
}

// parseInteger reads an integer of 32 bits, possibly with a fraction, which is rounded, and with a unit if base has one.
// hint is why not, where there is one.
func parseInteger(text, base string) (n int64, hint string, ok bool) {
	value, rest, ok := leadingNumber(text)
	if !ok || math.IsNaN(value) {
		return 0, "", false
	}
	rest = strings.TrimLeft(rest, spaces)
	if rest != "" {
		if base == "" {
			return 0, "", false
		}
		name := rest
		if end := strings.IndexAny(rest, spaces); end >= 0 {
			name, rest = rest[:end], strings.TrimLeft(rest[end:], spaces)
		} else {
			rest = ""
		}
		if len(name) > maxUnitLength || rest != "" {
			return 0, timeUnitsHint, false
		}
		if value, ok = inBaseUnit(value, name, base); !ok {
			return 0, timeUnitsHint, false
		}
	}
	value = math.RoundToEven(value)
	if value > math.MaxInt32 || value < math.MinInt32 {
		return 0, overflowHint, false
	}
	return int64(value), "", true
}

// inBaseUnit converts a value; what is no multiple of the next smaller unit is rounded to one.
func inBaseUnit(value float64, name, base string) (float64, bool) {
	for i, u := range timeUnits {
		if u.name != name {
			continue
		}
		value *= u.in[base]
		if i+1 < len(timeUnits) {
			smaller := timeUnits[i+1].in[base]
			value = math.RoundToEven(value/smaller) * smaller
		}
		return value, true
	}
	return 0, false
}

const spaces = " \t\n\v\f\r"

// leadingNumber reads a number as strtol with base 0 does and, where a point or an exponent follows or it is too large, as
// strtod.
func leadingNumber(text string) (value float64, rest string, ok bool) {
	s := strings.TrimLeft(text, spaces)
	sign := 0
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign = 1
	}
	base, start := 10, sign
	switch {
	case isHexPrefix(s[sign:]):
		base, start = 16, sign+2
	case strings.HasPrefix(s[sign:], "0"):
		base = 8
	}
	end := start
	for end < len(s) && digit(s[end]) < base {
		end++
	}
	next := byte(0)
	if end < len(s) {
		next = s[end]
	}
	if end > start && next != '.' && next != 'e' && next != 'E' {
		if n, err := strconv.ParseInt(s[:sign]+s[start:end], base, 64); err == nil {
			return float64(n), s[end:], true
		}
		return leadingFloat(s)
	}
	if end > start || next == '.' {
		return leadingFloat(s)
	}
	return 0, "", false
}

// leadingFloat reads what strtod does of it here: decimal or hexadecimal, with a fraction and an exponent.
func leadingFloat(s string) (value float64, rest string, ok bool) {
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	base, exponent := 10, byte('e')
	if isHexPrefix(s[i:]) {
		base, exponent = 16, 'p'
		i += 2
	}
	digits := 0
	run := func() {
		for i < len(s) && digit(s[i]) < base {
			i++
			digits++
		}
	}
	run()
	if i < len(s) && s[i] == '.' {
		i++
		run()
	}
	if digits == 0 {
		return 0, "", false
	}
	end := i
	if i < len(s) && s[i]|0x20 == exponent {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		if i > from {
			end = i
		}
	}
	literal := s[:end]
	if base == 16 && !strings.ContainsAny(literal, "pP") {
		literal += "p0"
	}
	value, err := strconv.ParseFloat(literal, 64)
	return value, s[end:], err == nil && !underflows(value, literal)
}

// underflows: strtod reports a range error for what is too small as well.
func underflows(value float64, literal string) bool {
	const smallestNormal = 0x1p-1022
	if math.Abs(value) >= smallestNormal {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(literal), "e")
	return strings.ContainsAny(mantissa, "123456789")
}

// isHexPrefix: 0x counts only with a digit behind it.
func isHexPrefix(s string) bool {
	return len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && digit(s[2]) < 16
}

// digit is the value of a digit, 99 for what is none.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return 99
}
