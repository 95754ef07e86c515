package plan

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// settingName takes a var_name: one or more ColIds with points between.
func (r *reader) settingName() (string, bool) {
	name, ok := r.name()
	if ok && r.isChar('.') {
		dotted := []byte(name)
		for ok && r.acceptChar('.') {
			var part string
			part, ok = r.name()
			dotted = append(append(dotted, '.'), part...)
		}
		return string(dotted), ok
	}
	if !strings.Contains(name, ".") {
		name = lower(name)
	}
	return name, ok
}

// lower is s with its ASCII letters small.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			return string(folded(make([]byte, 0, len(s)), s))
		}
	}
	return s
}

// jwtPrefix starts the settings in which pg_session_jwt keeps who the user is.
const jwtPrefix = "pg_session_jwt."

// unsettable refuses what no session may set. command is SET, RESET or the like.
func unsettable(command, name string) (Plan, bool) {
	switch {
	case len(name) > len(jwtPrefix) && strings.EqualFold(name[:len(jwtPrefix)], jwtPrefix):
		if len(name) > maxName {
			name = jwtPrefix + "*"
		}
		err := pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set parameter \"%s\"", name)
		return Plan{Kind: Refuse, Verb: VerbUtility, Feature: FeatureSessionJWT,
			Refusal: err.WithHint("%s", hints[FeatureSessionJWT])}, true
	case name == "seed":
		return refuse(FeatureSetseed, command+" SEED"), true
	}
	return Plan{}, false
}

// set classifies what follows SET.
func (r *reader) set() Plan {
	invalid := Plan{Verb: VerbUtility}
	s := &Setting{ScopeStart: r.prev.End, ScopeEnd: r.prev.End}
	if r.is("CONSTRAINTS") && !r.assigns() {
		r.next()
		return r.setConstraints()
	}
	if (r.is("LOCAL") || r.is("SESSION") && !r.sessionClause()) && !r.assigns() {
		s.Local = r.is("LOCAL")
		s.ScopeStart, s.ScopeEnd = r.tok.Start, r.tok.End
		r.next()
	}
	known, ok := false, false
	if !r.assigns() {
		known, ok = r.keywordForm(s)
	}
	if !known {
		ok = r.genericForm(s)
	}
	if !ok || r.more {
		return invalid
	}
	if p, refused := unsettable("SET", s.Name); refused {
		return p
	}
	return Plan{Kind: Set, Verb: VerbUtility, Setting: s}
}

// assigns reports whether the current word, keyword or not, is a setting's name here: = TO FROM or a point follows.
func (r *reader) assigns() bool {
	t, more := r.peek()
	return more && (t.Is(r.sql, '=') || t.Is(r.sql, '.') || sqlscan.Keyword(r.sql, t, "TO") ||
		sqlscan.Keyword(r.sql, t, "FROM"))
}

// sessionClause reports whether the word SESSION here starts SESSION CHARACTERISTICS or SESSION AUTHORIZATION, and is not the
// scope of a SET. CHARACTERISTICS may still be the name of a setting.
func (r *reader) sessionClause() bool {
	ahead := *r
	ahead.next()
	return ahead.is("AUTHORIZATION") || ahead.is("CHARACTERISTICS") && !ahead.assigns()
}

func (r *reader) nextIs(upper string) bool {
	t, more := r.peek()
	return more && sqlscan.Keyword(r.sql, t, upper)
}

// keywordForm takes a form that starts with a keyword; known is false where none starts.
func (r *reader) keywordForm(s *Setting) (known, ok bool) {
	switch {
	case r.acceptAll("SESSION", "CHARACTERISTICS"):
		s.Form = Characteristics
		return true, r.acceptAll("AS", "TRANSACTION") && r.settingModes(s)
	case r.acceptAll("SESSION", "AUTHORIZATION"):
		s.Name = "session_authorization"
		return true, r.defaulted(s) || r.word(s)
	case r.acceptAll("TRANSACTION", "SNAPSHOT"):
		s.Form = Snapshot
		return true, r.text(s)
	case r.accept("TRANSACTION"):
		s.Form = TransactionModes
		return true, r.settingModes(s)
	case r.accept("ROLE"):
		s.Name = "role"
		return true, r.word(s)
	case r.acceptAll("TIME", "ZONE"):
		s.Name = "timezone"
		return true, r.zone(s)
	case r.accept("SCHEMA"):
		s.Name = "search_path"
		return true, r.text(s)
	case r.acceptAll("XML", "OPTION"):
		s.Name = "xmloption"
		return true, (r.is("DOCUMENT") || r.is("CONTENT")) && r.keyword(s)
	case r.accept("NAMES"):
		s.Name = "client_encoding"
		if !r.more {
			s.Form = ToDefault
			return true, true
		}
		return true, r.defaulted(s) || r.text(s)
	}
	return false, false // SET CATALOG is Postgres' to refuse, in its grammar
}

// genericForm takes name TO values, name TO DEFAULT or name FROM CURRENT.
func (r *reader) genericForm(s *Setting) bool {
	var ok bool
	if s.Name, ok = r.settingName(); !ok {
		return false
	}
	if r.acceptAll("FROM", "CURRENT") {
		s.Form = FromCurrent
		return true
	}
	if !r.accept("TO") && !r.acceptChar('=') {
		return false
	}
	return r.defaulted(s) || r.values(s)
}

func (r *reader) defaulted(s *Setting) bool {
	if !r.accept("DEFAULT") {
		return false
	}
	s.Form = ToDefault
	return true
}

// zone takes a zone_value. Of the words it takes all that may be one: Postgres refuses the keywords among them.
func (r *reader) zone(s *Setting) bool {
	switch {
	case r.accept("LOCAL"):
		s.Form = ToDefault
		return true
	case r.is("INTERVAL"):
		if t, more := r.peek(); more && (t.Kind == sqlscan.String || t.Is(r.sql, '(')) {
			return r.zoneInterval(s)
		}
		return false
	case r.is("TRUE"), r.is("FALSE"), r.is("ON"):
		return false
	}
	return r.defaulted(s) || r.value(s)
}

// zoneInterval takes INTERVAL '...' HOUR TO MINUTE and its variants.
func (r *reader) zoneInterval(s *Setting) bool {
	r.next()
	precise := r.acceptChar('(')
	if precise {
		number := r.more && r.tok.Kind == sqlscan.Number
		if r.next(); !number || !r.acceptChar(')') {
			return false
		}
	}
	if !r.text(s) {
		return false
	}
	s.Literal = false
	if !precise && !r.acceptAll("HOUR", "TO", "MINUTE") && !r.accept("HOUR") {
		r.accept("MINUTE")
	}
	return true
}

func (r *reader) settingModes(s *Setting) bool {
	c := &Control{Verb: Begin, Tag: "SET"}
	s.Control = c
	return r.modes(c) && c.TransactionModes != ""
}

// setConstraints classifies what follows SET CONSTRAINTS.
func (r *reader) setConstraints() Plan {
	ok := r.accept("ALL")
	for !ok {
		if !r.qualifiedName() {
			return Plan{Verb: VerbUtility}
		}
		ok = !r.acceptChar(',')
	}
	if !r.accept("DEFERRED") && !r.accept("IMMEDIATE") || r.more {
		return Plan{Verb: VerbUtility}
	}
	return Plan{Kind: Set, Verb: VerbUtility, Setting: &Setting{Form: Constraints}}
}

// qualifiedName takes a name with at most two names before it.
func (r *reader) qualifiedName() bool {
	_, ok := r.name()
	for range 2 {
		if ok && r.acceptChar('.') {
			ok = r.more && r.tok.IsIdent() && r.ident() != ""
		}
	}
	return ok
}

// variable takes what names a setting in RESET and SHOW.
func (r *reader) variable() (name string, ok bool) {
	switch {
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
	s := &Setting{Form: ResetAll, Reset: true}
	if !r.accept("ALL") {
		var ok bool
		s.Form = ToDefault
		if s.Name, ok = r.variable(); !ok {
			return Plan{Verb: VerbUtility}
		}
	} else if r.more {
		return Plan{Verb: VerbUtility}
	}
	if p, refused := unsettable("RESET", s.Name); refused {
		return p
	}
	return Plan{Kind: Set, Verb: VerbUtility, Setting: s}
}

func (r *reader) show() Plan {
	p := Plan{Verb: VerbUtility, Returns: ReturnsRows, ReadOnlyShape: true, ReadOnlyMatters: true}
	s := &Setting{Name: "all"}
	ok := r.accept("ALL")
	if !ok {
		s.Name, ok = r.variable()
	}
	if !ok || r.more {
		return p
	}
	p.Kind, p.Setting = Show, s
	if s.Name == "all" { // SHOW "all" is the same to Postgres
		p.Calls = &SettingCalls{Reads: true}
	}
	return p
}

func (r *reader) discard() Plan {
	p := Plan{Kind: Discard, Verb: VerbUtility}
	switch {
	case r.accept("ALL"):
		p.Discard = "ALL"
	case r.accept("PLANS"):
		p.Discard = "PLANS"
	case r.accept("SEQUENCES"):
		p.Discard = "SEQUENCES"
	case r.accept("TEMP"), r.accept("TEMPORARY"):
		p.Discard = "TEMP"
	}
	if p.Discard == "" || r.more {
		return Plan{Verb: VerbUtility}
	}
	return p
}
