package guc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Calls says how a query with set_config() in it is sent. Each call for the session becomes one for the transaction: by an
// edit of the text, or, where is_local is parameter $n, by an override of its value, overrides[n]. Read and Learn of the step
// bring back what the session then has; its Done, if any, is called too. params are the parameters in text format, text
// and c the statement's. Like Apply it marks on s what the server is asked for.
func (s *Settings) Calls(c *plan.SettingCalls, text string, params [][]byte, d Defaults) (
	edits []splice.Edit, overrides map[int]string, step Step, err *pgerr.Error) {
	q := query{text: text, params: params, settings: s, d: d, calls: c.Assigns}
	for _, a := range c.Assigns {
		if err := q.call(a); err != nil {
			return nil, nil, Step{}, err
		}
	}
	if q.rows && q.namesLocal() {
		return nil, nil, Step{}, bothScopes()
	}
	if q.path {
		s.hiddenPath = s.hiddenPath || queryNamesTemporary(text)
		for _, p := range params {
			s.hiddenPath = s.hiddenPath || queryNamesTemporary(string(p))
		}
	}
	slices.SortFunc(q.edits, func(a, b splice.Edit) int { return a.Start - b.Start })
	if q.rows {
		s.unread = true
		q.step.Read = upstream.Statement{SQL: readSessionSQL}
		if len(q.names) > 0 { // a placeholder is not listed
			q.step.Read = upstream.Statement{SQL: readSQL + " UNION " + readSessionSQL, Params: read(withIdentity(q.names)).Params}
		}
		q.step.Learn = rowsLearner(q.names, slices.Clone(s.localCalls), d)
	} else if all := slices.Concat(q.names, q.locals); len(all) > 0 {
		q.step.Read = read(withIdentity(all))
		q.step.Learn = func(s *Settings, rows []Pair) *pgerr.Error {
			for _, row := range rows {
				s.learn(row, value{}, slices.Contains(q.locals, row.Name), d)
			}
			return s.full()
		}
	}
	return q.edits, q.overrides, q.step, nil
}

// query is a statement with set_config() in it.
type query struct {
	text     string
	params   [][]byte
	settings *Settings
	d        Defaults
	calls    []plan.SetConfig

	edits     []splice.Edit
	overrides map[int]string
	names     []string    // assigned for the session
	locals    []string    // of those that are kept here: assigned for the transaction
	rows      bool        // and others, from pg_settings
	path      bool        // search_path may be one of them
	counts    map[int]int // how often each parameter stands in the text, once somebody has asked
	step      Step
}

func (q *query) call(a plan.SetConfig) *pgerr.Error {
	name := a.Name
	if a.NameParam > 0 {
		name = string(q.param(a.NameParam))
	}
	key := asciiLower(name)
	local, known := q.local(a)
	if !known {
		return nil // no boolean: the server says so
	}
	if a.Rows {
		q.guard(a)
	}
	q.path = q.path || a.Rows || name == "" || key == searchPathKey
	if err := q.toStart(a, key); err != nil {
		return err
	}
	switch {
	case isJWT(key):
		return refuseJWT(shortWord(name))
	case key == clientEncodingKey && (!q.givesUTF8(a) || local && q.settings.Encoding() != utf8Name):
		return pgerr.Unsupported("set_config() of client_encoding", "Use SET client_encoding.")
	case key == seedKey:
		return pgerr.Unsupported("set_config() of seed", "Call setseed() in the statement that calls random().")
	case isTransactions(key):
		return nil
	case local:
		q.settings.localRows = q.settings.localRows || a.Rows
		if err := q.settings.assignLocal(key); err != nil {
			return err
		}
		if key != clientEncodingKey && (hereOnly(key) || key == floatDigitsKey) {
			q.settings.mark(key, key, "", false)
			q.locals = append(q.locals, key)
		}
		if isPlaceholder(key, q.d) && q.settings.find(key) == nil {
			q.leave(key, name)
		}
		return nil
	}
	if err := q.makeLocal(a); err != nil {
		return err
	}
	switch {
	case a.Rows && q.settings.localRows:
		return bothScopes()
	case a.Rows:
		q.rows = true
	case name == "" && a.NameParam == 0:
		return pgerr.Unsupported("set_config() of a setting whose name is computed", "Write the name as a literal or a parameter.")
	case name != "":
		if err := q.settings.room(key, len(name)); err != nil {
			return err
		}
		name = q.settings.canonical(key, name, q.d)
		q.settings.mark(key, name, "", isPlaceholder(key, q.d))
		if i := slices.IndexFunc(q.names, func(n string) bool { return asciiLower(n) == key }); i >= 0 {
			q.names = slices.Delete(q.names, i, i+1)
		}
		q.names = append(q.names, name)
	}
	return nil
}

// guard keeps a name that is known only to the server from being one that nobody may set: what is called pg_settings need not be
// the view.
func (q *query) guard(a plan.SetConfig) {
	name := "(" + q.text[a.NameStart:a.NameEnd] + ")"
	lower := "pg_catalog.lower(" + name + `::pg_catalog.text COLLATE pg_catalog."C")`
	q.edits = append(q.edits, splice.Edit{Start: a.NameStart, End: a.NameEnd, New: "CASE WHEN pg_catalog.starts_with(" + lower + ", '" + jwtPrefix + "') OR " +
		lower + " OPERATOR(pg_catalog.=) ANY ('{" + seedKey + "," + clientEncodingKey + "}'::pg_catalog.text[]) THEN NULL ELSE " + name + " END"})
}

// assignLocal notes what set_config() assigns for the transaction.
func (s *Settings) assignLocal(key string) *pgerr.Error {
	if slices.Contains(s.localCalls, key) {
		return nil
	}
	s.localCalls = append(slices.Clip(s.localCalls), key)
	return within(len(s.localCalls), 0)
}

func bothScopes() *pgerr.Error {
	return pgerr.Unsupported("set_config() over pg_settings for the transaction and for the session in one transaction", "Do one of them in a transaction of its own.")
}

// namesLocal reports whether a setting that was assigned for the transaction is named: whether the rows are of it too could not be
// told afterwards.
func (q *query) namesLocal() bool {
	lower := asciiLower(q.text)
	return slices.ContainsFunc(q.settings.localCalls, func(key string) bool { return key != "" && strings.Contains(lower, key) })
}

// leave: a placeholder that was set for a transaction is there ever after, without a value.
func (q *query) leave(key, name string) {
	if q.settings.room(key, len(name)) != nil {
		return
	}
	before := q.step.Done
	q.step.Done = func(s *Settings) {
		if before != nil {
			before(s)
		}
		if s.find(key) == nil {
			s.assign(key, name, value{set: true}, false, true)
		}
	}
}

// param is the value of $n, nil for NULL or none.
func (q *query) param(n int) []byte {
	if n > len(q.params) {
		return nil
	}
	return q.params[n-1]
}

// local is the value of is_local. NULL is false. known is false if it is no boolean.
func (q *query) local(a plan.SetConfig) (local, known bool) {
	if a.LocalParam == 0 {
		return a.Local, true
	}
	p := q.param(a.LocalParam)
	if p == nil {
		return false, true
	}
	return parseBool(string(p))
}

// makeLocal has the call set its setting for the transaction.
func (q *query) makeLocal(a plan.SetConfig) *pgerr.Error {
	if a.LocalParam == 0 {
		q.edits = append(q.edits, splice.Edit{Start: a.LocalStart, End: a.LocalEnd, New: "true"})
		return nil
	}
	n, own := a.LocalParam, 0
	for _, c := range q.calls {
		if c.LocalParam == n {
			own++
		}
	}
	if q.uses(n) != own {
		return pgerr.Unsupported(fmt.Sprintf("parameter $%d as is_local of set_config() and elsewhere too", n), "Give is_local as a literal.")
	}
	q.override(n, "true")
	return nil
}

// uses counts where $n stands in the text.
func (q *query) uses(n int) int {
	if q.counts == nil {
		q.counts = map[int]int{}
		scan := sqlscan.New(q.text, q.settings.StandardConforming(q.d))
		for t, ok := scan.Next(); ok; t, ok = scan.Next() {
			if t.Kind == sqlscan.Param {
				if n, err := strconv.Atoi(t.Text(q.text)[1:]); err == nil {
					q.counts[n]++
				}
			}
		}
	}
	return q.counts[n]
}

func (q *query) override(n int, value string) {
	if q.overrides == nil {
		q.overrides = map[int]string{}
	}
	q.overrides[n] = value
}

// toStart: NULL takes a setting back to where RESET does, which for what the startup gave is not where the server would take it.
func (q *query) toStart(a plan.SetConfig, key string) *pgerr.Error {
	start, given := q.settings.reset[key]
	if !given {
		return nil
	}
	t, ok := q.value(a)
	n := 0
	switch {
	case ok && t.Kind == sqlscan.Param:
		n, _ = strconv.Atoi(t.Text(q.text)[1:])
		if q.param(n) != nil {
			return nil
		}
	case !ok || !sqlscan.Keyword(q.text, t, "NULL"):
		return nil
	}
	if n == 0 || q.uses(n) > 1 {
		return pgerr.Unsupported("set_config() of NULL for a setting that was given at the login", "Use RESET.")
	}
	q.override(n, start)
	return nil
}

// value is the last token of the value that a call assigns, which is the value if that is a literal or a parameter.
func (q *query) value(a plan.SetConfig) (t sqlscan.Token, ok bool) {
	whole := sqlscan.New(q.text, q.settings.StandardConforming(q.d))
	scan := whole.At(a.ValueStart)
	return scan.Next()
}

// givesUTF8 reports whether the value that a call assigns to client_encoding is a literal or a parameter that means UTF8.
func (q *query) givesUTF8(a plan.SetConfig) bool {
	t, ok := q.value(a)
	if !ok {
		return false
	}
	var text string
	switch t.Kind {
	case sqlscan.String:
		text, _ = sqlscan.StringValue(q.text, t)
	case sqlscan.Param:
		n, err := strconv.Atoi(t.Text(q.text)[1:])
		if err != nil {
			return false
		}
		text = string(q.param(n))
	default:
		return false
	}
	enc, ok := encoding.Lookup(text)
	return ok && enc.Name() == utf8Name
}

// rowsLearner takes rows of every setting of the session: those that differ from what is known were assigned. names were
// assigned in any case, locals for the transaction alone.
func rowsLearner(names, locals []string, d Defaults) func(*Settings, []Pair) *pgerr.Error {
	return func(s *Settings, rows []Pair) *pgerr.Error {
		for _, row := range rows {
			key := asciiLower(row.Name)
			if row.Value == nil || !slices.Contains(names, row.Name) && (key == clientEncodingKey || slices.Contains(locals, key) || s.has(key, *row.Value, d)) {
				continue
			}
			s.learn(row, value{}, false, d)
		}
		return s.full()
	}
}

// has reports whether a setting is known to have that value.
func (s *Settings) has(key, text string, d Defaults) bool {
	if v := s.value(key); v.set {
		return v.text == text
	}
	_, standing, known := d.Setting(key)
	return known && standing == text
}

// parseBool reads a boolean as Postgres does (parse_bool_with_len): a word or its unambiguous beginning, in any case.
func parseBool(text string) (on, ok bool) {
	t := asciiLower(strings.Trim(text, spaces))
	switch {
	case t == "":
		return false, false
	case t == "1", t == "on", strings.HasPrefix("true", t), strings.HasPrefix("yes", t):
		return true, true
	case t == "0", t == "of", t == "off", strings.HasPrefix("false", t), strings.HasPrefix("no", t):
		return false, true
	}
	return false, false
}
