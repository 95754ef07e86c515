package guc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Apply says how a SET or RESET is carried out; text is the statement's. It takes every form but TransactionModes, Snapshot
// and Constraints, which are the transaction's. An error is the statement's: nothing has happened.
//
// Apply also marks on s what the server is about to be asked for: until Learn, s stands for a session in the middle of a
// group, and a RESET ALL further on in the same group undoes that too. So call it on the group's own copy, in the order of
// its statements, and let Done and Learn change the session's settings in that same order.
func (s *Settings) Apply(st *plan.Setting, text string, d Defaults) (Step, *pgerr.Error) {
	switch st.Form {
	case plan.ResetAll:
		return s.resetAll(d)
	case plan.Characteristics:
		return s.characteristics(st.Control, d)
	case plan.Assign, plan.ToDefault, plan.FromCurrent:
	default:
		panic("BUG: a statement about the transaction, not about settings")
	}
	key := asciiLower(st.Name)
	if err := refused(key, st); err != nil {
		return Step{}, err
	}
	if _, given := s.reset[key]; given && key == dateStyleKey && st.Form == plan.Assign && asciiLower(strings.TrimSpace(st.Value)) == "default" {
		back := *st // check_datestyle looks up what a RESET would give, which is the startup packet's
		back.Form = plan.ToDefault
		st = &back
	}
	if err := s.room(key, len(text)); err != nil {
		return Step{}, err
	}
	if !isTransactions(key) {
		if step, ok, err := s.here(key, st, d); ok || err != nil {
			step.NoEffect = st.Local
			return step, err
		}
	}
	step := Step{Statements: []Statement{s.words(key, st, text, d)}, NoEffect: st.Local}
	if isTransactions(key) {
		return step, nil
	}
	name := s.canonical(key, st.Name, d)
	step.Read = read(withIdentity([]string{name}))
	step.Learn = learner(d, st.Local)
	switch {
	case st.Form == plan.ToDefault && !st.Local:
		step.Learn = s.resetLearner(key, d)
	case st.Form == plan.Assign && st.Literal && st.Values == 1:
		step.Learn = literalLearner(key, st, d)
	}
	s.mark(key, name, s.guess(key, st, d), isPlaceholder(key, d))
	if key == searchPathKey {
		s.hiddenPath = s.hiddenPath || setNamesTemporary(text)
	}
	return step, nil
}

// guess is what the lexer goes by until the server has answered.
func (s *Settings) guess(key string, st *plan.Setting, d Defaults) string {
	switch {
	case key != conformingKey || st.Form == plan.FromCurrent:
		return ""
	case st.Form == plan.ToDefault:
		return s.standing(key, d)
	}
	if on, ok := parseBool(st.Value); ok && !on {
		return "off"
	}
	return "on"
}

// words is the client's statement, made transaction-local. RESET has no such form, and the server does not know what the
// client gave at startup.
func (s *Settings) words(key string, st *plan.Setting, text string, d Defaults) Statement {
	if st.Form == plan.ToDefault {
		v, ok := s.reset[key]
		if !ok && hereOnly(key) { // the server's default is its own connection's
			v, ok = s.standing(key, d), true
		}
		if ok {
			return own(upstream.Statement{SQL: "SELECT " + setConfig(1, 2), Params: [][]byte{[]byte(st.Name), []byte(v)}})
		}
		if st.Reset {
			return Statement{SQL: splice.Apply(text, []splice.Edit{{Start: 0, End: len(text), New: "SET LOCAL " + quoteName(st.Name) + " TO DEFAULT"}})}
		}
	}
	if st.Local {
		return Statement{SQL: splice.Apply(text, nil)}
	}
	return Statement{SQL: splice.Apply(text, []splice.Edit{{Start: st.ScopeStart, End: st.ScopeEnd, New: " LOCAL"}})}
}

// refused is the error for what no session may do.
func refused(key string, st *plan.Setting) *pgerr.Error {
	if isJWT(key) {
		return refuseJWT(st.Name)
	}
	if key == seedKey && st.Form == plan.Assign && !st.Local {
		return pgerr.Unsupported("SET seed for a session", "Call setseed() in the statement that calls random().")
	}
	return nil
}

func isJWT(key string) bool { return strings.HasPrefix(key, jwtPrefix) }

func refuseJWT(name string) *pgerr.Error {
	return pgerr.New(pgerr.InsufficientPrivilege, `permission denied to set parameter "%s"`, name).
		WithHint("Who the user is comes from the token alone.")
}

// quoteName writes a setting's name as SQL. A part without a character cannot be quoted alone.
func quoteName(name string) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	parts := strings.Split(name, ".")
	for i, p := range parts {
		if p == "" {
			return quote(name)
		}
		parts[i] = quote(p)
	}
	return strings.Join(parts, ".")
}

// setConfig is a call that sets parameter $name to parameter $value in this transaction.
func setConfig(name, value int) string {
	return "pg_catalog.set_config($" + strconv.Itoa(name) + ",$" + strconv.Itoa(value) + ",true)"
}

// setConfigs sets settings in one statement; no value is the default.
type setConfigs struct {
	sql    strings.Builder
	params [][]byte
}

func (c *setConfigs) call(name string, value *string) {
	if c.sql.Len() == 0 {
		c.sql.WriteString("SELECT ")
	} else {
		c.sql.WriteString(", ")
	}
	c.params = append(c.params, []byte(name))
	if value == nil {
		c.sql.WriteString("pg_catalog.set_config($" + strconv.Itoa(len(c.params)) + ",NULL,true)")
		return
	}
	c.params = append(c.params, []byte(*value))
	c.sql.WriteString(setConfig(len(c.params)-1, len(c.params)))
}

func (c *setConfigs) statement() upstream.Statement {
	return upstream.Statement{SQL: c.sql.String(), Params: c.params}
}

// resetLearner takes the rows behind a RESET for the session.
func (s *Settings) resetLearner(key string, d Defaults) func(*Settings, []Pair) *pgerr.Error {
	_, atStartup := s.reset[key]
	keep := atStartup || isPlaceholder(key, d)
	return func(s *Settings, rows []Pair) *pgerr.Error {
		if key == authorizationKey {
			s.touch(superuserKey)
			s.roleEnds(false)
		}
		for _, row := range rows {
			if asciiLower(row.Name) != key || keep {
				s.learn(row, value{}, false, d)
			} else {
				s.drop(key)
			}
		}
		return s.full()
	}
}

// literalLearner takes the rows behind SET name TO one literal. SHOW gives numbers with a fraction in six digits only, so
// the literal is kept beside what it prints if it says more.
func literalLearner(key string, st *plan.Setting, d Defaults) func(*Settings, []Pair) *pgerr.Error {
	return func(s *Settings, rows []Pair) *pgerr.Error {
		for _, row := range rows {
			var as value
			if asciiLower(row.Name) == key && row.Value != nil && rounds(*row.Value, st.Value) {
				as.send = st.Value
			}
			s.learn(row, as, st.Local, d)
		}
		return s.full()
	}
}

// rounds reports whether shown, with its unit, is literal in six digits (%g) and not literal itself.
func rounds(shown, literal string) bool {
	number := strings.TrimRight(shown, "abcdefghijklmnopqrstuvwxyzBM")
	if len(literal) > 64 || number == literal {
		return false
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return false
	}
	const digits = 6
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n == f {
		return false
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', digits, 64), 64)
	return err == nil && rounded == n
}

// resetRowsSQL takes back what nobody has a name for yet.
const resetRowsSQL = `SELECT pg_catalog.set_config(name, NULL, true) FROM pg_catalog.pg_settings WHERE source = 'session'` +
	` AND NOT pg_catalog.starts_with(name, 'pg_session_jwt.') AND name <> ALL ('{transaction_isolation,transaction_read_only,transaction_deferrable}')`

// resetAll never is RESET ALL on the server, where it would also end what the connection itself has set.
func (s *Settings) resetAll(d Defaults) (Step, *pgerr.Error) {
	var step Step
	if s.unread {
		step.Statements = append(step.Statements, own(upstream.Statement{SQL: resetRowsSQL}))
	}
	var back setConfigs
	var names []string
	for i := range s.entries {
		e := &s.entries[i]
		_, sent := s.sends(e, d)
		v, atStartup := s.reset[e.key]
		if !atStartup && hereOnly(e.key) {
			v, atStartup = s.standing(e.key, d), true
		}
		switch {
		case isIdentity(e.key), hereOnly(e.key) && !e.pending:
			continue
		case !sent && !e.pending && (!atStartup || isHere(e.key, v, d)):
			continue
		case atStartup:
			back.call(e.name, &v)
		default:
			back.call(e.name, nil)
		}
		names = append(names, e.name)
		if !e.pending {
			s.mark(e.key, e.name, "", e.placeholder)
		}
	}
	all := func(s *Settings) { s.toStart(d) }
	if len(names) > 0 {
		step.Statements = append(step.Statements, own(back.statement()))
	}
	if len(step.Statements) == 0 {
		return Step{Done: all}, nil
	}
	for _, e := range s.entries { // what needs no answer is so for the rest of the group
		if hereOnly(e.key) && !e.pending {
			s.assign(e.key, e.name, value{set: true, text: s.standing(e.key, d)}, false, false)
		}
	}
	if !slices.ContainsFunc(s.entries, func(e entry) bool { return e.placeholder }) {
		step.Alone = all // else the server knows better what a placeholder's default is
	}
	step.Read = read(names)
	step.Learn = func(s *Settings, rows []Pair) *pgerr.Error {
		all(s)
		for _, row := range rows {
			if key := asciiLower(row.Name); isPlaceholder(key, d) {
				s.learn(row, value{}, false, d)
			}
		}
		return nil
	}
	return step, nil
}

// toStart is what RESET ALL leaves: who the session is, the startup packet's values, placeholders without a value. Postgres
// goes through them in the order in which they ceased to have their compiled-in values: first what initdb writes down, then what a login sets.
func (s *Settings) toStart(d Defaults) {
	old := s.entries
	s.entries = nil
	for _, e := range old {
		v, atStartup := s.reset[e.key]
		switch {
		case isIdentity(e.key):
			s.entries = append(s.entries, e)
		case atStartup:
			s.entries = append(s.entries, entry{key: e.key, name: e.name, session: value{set: true, text: v}, placeholder: e.placeholder})
		case e.placeholder:
			s.entries = append(s.entries, entry{key: e.key, name: e.name, session: value{set: true}, placeholder: true})
		case hereOnly(e.key):
			s.entries = append(s.entries, entry{key: e.key, name: e.name, session: value{set: true, text: hereDefault(e.key, d)}})
		}
	}
	for _, key := range [...]string{dateStyleKey, "timezone", clientEncodingKey} {
		if slices.ContainsFunc(old, func(e entry) bool { return e.key == key }) {
			s.touch(key)
		}
	}
	for _, e := range old {
		if !isIdentity(e.key) {
			s.touch(e.key)
		}
	}
}

// characteristics is SET SESSION CHARACTERISTICS AS TRANSACTION, which assigns the defaults of later transactions.
func (s *Settings) characteristics(c *plan.Control, d Defaults) (Step, *pgerr.Error) {
	var set setConfigs
	var names []string
	assign := func(key, value string) {
		set.call(key, &value)
		names = append(names, key)
	}
	onOff := func(key string, on *bool) {
		switch {
		case on == nil:
		case *on:
			assign(key, "on")
		default:
			assign(key, "off")
		}
	}
	if c.Isolation != "" {
		assign(defaultIsolation, strings.ToLower(c.Isolation))
	}
	onOff(defaultReadOnly, c.ReadOnly)
	onOff(defaultDeferrable, c.Deferrable)
	if len(names) == 0 {
		panic("BUG: SET SESSION CHARACTERISTICS without a mode")
	}
	for _, n := range names {
		if err := s.room(n, len(n)); err != nil {
			return Step{}, err
		}
		s.mark(n, n, "", false)
	}
	return Step{Statements: []Statement{own(set.statement())}, Read: read(names), Learn: learner(d, false)}, nil
}

// Discard is what DISCARD ALL does to settings: SET SESSION AUTHORIZATION DEFAULT, and with it RESET ROLE, then RESET ALL.
// It stands outside of any transaction, so the server need not hear of it.
func (s *Settings) Discard(d Defaults) Step {
	return Step{Done: func(s *Settings) {
		for _, key := range [...]string{superuserKey, authorizationKey, roleKey} {
			s.drop(key)
		}
		s.toStart(d)
	}}
}
