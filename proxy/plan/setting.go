package plan

import (
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// kept returns the name of the kept setting that name means, which Postgres compares without case (guc_name_compare);
// "" if it is none.
func kept(name string) string {
	for _, k := range [...]string{"application_name", "client_encoding", "client_min_messages", "extra_float_digits"} {
		if len(name) == len(k) && strings.EqualFold(name, k) {
			return k
		}
	}
	return ""
}

// settingName takes a var_name: one or more ColIds with points between.
func (r *reader) settingName() (string, bool) {
	name, ok := r.name()
	for ok && r.acceptChar('.') {
		var part string
		part, ok = r.name()
		name += "." + part
	}
	if k := kept(name); k != "" {
		name = k
	}
	return name, ok
}

// set classifies what follows SET.
func (r *reader) set() Plan {
	invalid := Plan{Verb: VerbUtility}
	if r.is("CONSTRAINTS") && !r.assigns() {
		return refuse(FeatureSetConstraints, "SET CONSTRAINTS")
	}
	s := &Setting{}
	scoped := r.is("LOCAL") || r.is("SESSION") && !r.nextIs("CHARACTERISTICS") && !r.nextIs("AUTHORIZATION")
	if scoped && !r.assigns() {
		s.Local = r.is("LOCAL")
		r.next()
	}
	if !r.assigns() {
		switch {
		case r.acceptAll("SESSION", "CHARACTERISTICS"):
			return refuse(FeatureSetTransaction, "SET SESSION CHARACTERISTICS")
		case r.acceptAll("SESSION", "AUTHORIZATION"):
			return refuse(FeatureSetRole, "SET SESSION AUTHORIZATION")
		case r.accept("TRANSACTION"):
			return refuse(FeatureSetTransaction, "SET TRANSACTION")
		case r.accept("ROLE"):
			return refuse(FeatureSetRole, "SET ROLE")
		case r.acceptAll("TIME", "ZONE"):
			return refuse(FeatureSet, "SET TIME ZONE")
		case r.accept("CATALOG"):
			return refuse(FeatureSet, "SET CATALOG")
		case r.accept("SCHEMA"):
			return refuse(FeatureSet, "SET SCHEMA")
		case r.acceptAll("XML", "OPTION"):
			return refuse(FeatureSet, "SET XML OPTION")
		case r.accept("NAMES"):
			return r.names(s)
		}
	}
	var ok bool
	if s.Name, ok = r.settingName(); !ok {
		return invalid
	}
	if strings.EqualFold(s.Name, "role") || strings.EqualFold(s.Name, "session_authorization") {
		return refuse(FeatureSetRole, "SET "+s.Name)
	}
	if kept(s.Name) == "" {
		return refuse(FeatureSet, naming("SET", s.Name))
	}
	if r.acceptAll("FROM", "CURRENT") {
		return refuse(FeatureSet, "SET "+s.Name+" FROM CURRENT")
	}
	if !r.accept("TO") && !r.acceptChar('=') {
		return invalid
	}
	if r.accept("DEFAULT") {
		s.Default = true
	} else if !r.values(s) {
		return invalid
	}
	if r.more {
		return invalid
	}
	return Plan{Kind: Set, Verb: VerbUtility, Setting: s}
}

// assigns reports whether the current word, keyword or not, is a setting's name here: = TO FROM or a point follows.
func (r *reader) assigns() bool {
	t, more := r.peek()
	return more && (t.Is(r.sql, '=') || t.Is(r.sql, '.') || sqlscan.Keyword(r.sql, t, "TO") ||
		sqlscan.Keyword(r.sql, t, "FROM"))
}

func (r *reader) nextIs(upper string) bool {
	t, more := r.peek()
	return more && sqlscan.Keyword(r.sql, t, upper)
}

// names classifies what follows SET NAMES: nothing, DEFAULT or a string.
func (r *reader) names(s *Setting) Plan {
	s.Name = "client_encoding"
	switch {
	case !r.more, r.accept("DEFAULT"):
		s.Default = true
	case r.tok.Kind == sqlscan.String:
		if !r.value(s) {
			return Plan{Verb: VerbUtility}
		}
	}
	if r.more {
		return Plan{Verb: VerbUtility}
	}
	return Plan{Kind: Set, Verb: VerbUtility, Setting: s}
}

// values takes a var_list.
func (r *reader) values(s *Setting) bool {
	for {
		if !r.value(s) {
			return false
		}
		if !r.acceptChar(',') {
			return true
		}
	}
}

// value takes one var_value: a string, a word, or a number with its sign.
func (r *reader) value(s *Setting) bool {
	var v string
	switch {
	case !r.more:
		return false
	case r.tok.Kind == sqlscan.String:
		prefix := r.sql[r.tok.Start] | 0x20
		var ok bool
		if v, ok = sqlscan.StringValue(r.sql, r.tok); !ok || prefix == 'n' { // N'...' is a cast
			return false
		}
		unicode := prefix == 'u'
		r.next()
		if unicode && r.accept("UESCAPE") {
			r.next()
		}
	case r.is("TRUE"), r.is("FALSE"), r.is("ON"), sqlscan.IsNonReserved(r.sql, r.tok):
		v = r.ident()
	default:
		minus := r.isChar('-')
		if minus || r.isChar('+') {
			r.next()
		}
		if !r.more || r.tok.Kind != sqlscan.Number {
			return false
		}
		v = number(r.tok.Text(r.sql), minus)
		r.next()
	}
	if s.Values++; s.Values == 1 {
		s.Value = v
	}
	return true
}

// number is the text that Postgres makes of a number in SET: an integer of 32 bits in decimal, all else as written.
func number(literal string, minus bool) string {
	base, digits := 10, strings.ReplaceAll(literal, "_", "")
	if len(digits) > 2 && digits[0] == '0' {
		switch digits[1] | 0x20 {
		case 'x':
			base, digits = 16, digits[2:]
		case 'o':
			base, digits = 8, digits[2:]
		case 'b':
			base, digits = 2, digits[2:]
		}
	}
	if n, err := strconv.ParseInt(digits, base, 32); err == nil {
		literal = strconv.FormatInt(n, 10)
		if n == 0 {
			return literal
		}
	}
	if minus {
		return "-" + literal
	}
	return literal
}

// variable takes what names a setting in RESET and SHOW. ALL gives the name "all", which no setting has.
func (r *reader) variable() (name string, ok bool) {
	switch {
	case r.accept("ALL"):
		name = "all"
	case r.acceptAll("TIME", "ZONE"):
		name = "timezone"
	case r.acceptAll("TRANSACTION", "ISOLATION", "LEVEL"):
		name = "transaction_isolation"
	case r.acceptAll("SESSION", "AUTHORIZATION"):
		name = "session_authorization"
	default:
		name, ok = r.settingName()
		return name, ok && !r.more
	}
	return name, !r.more
}

func (r *reader) reset() Plan {
	name, ok := r.variable()
	if !ok {
		return Plan{Verb: VerbUtility}
	}
	return refuse(FeatureReset, naming("RESET", name))
}

func (r *reader) show() Plan {
	p := Plan{Verb: VerbUtility, Returns: ReturnsRows, ReadOnlyShape: true, ReadOnlyMatters: true}
	name, ok := r.variable()
	switch {
	case !ok:
	case strings.EqualFold(name, "all"): // SHOW "all" is the same to Postgres
		return refuse(FeatureShowAll, "SHOW ALL")
	case kept(name) != "":
		p.Kind, p.Setting = Show, &Setting{Name: name}
	}
	return p
}
