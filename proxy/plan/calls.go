package plan

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// SettingCalls is what a statement does with settings by function calls and views.
type SettingCalls struct {
	// Reads: it reads settings wholesale, one whose name only the server can tell, or one that is kept outside the database.
	Reads bool
	// Assigns are its calls of set_config(), inner ones before outer ones, else in the order of the text.
	Assigns []SetConfig
}

// SetConfig is one call of set_config(). One of Name, NameParam and Rows says which setting it sets.
type SetConfig struct {
	Name      string // a literal, as written
	NameParam int    // n of $n, else 0
	Rows      bool   // the column name, in a statement that names pg_settings
	// NameStart and NameEnd are the bytes of that column in the text.
	NameStart, NameEnd int

	Local      bool // is_local is a literal that is true
	LocalParam int  // is_local is $n, else 0
	// LocalStart and LocalEnd are the bytes of the third argument in the text, ValueStart is where the last token of the second
	// one starts.
	LocalStart, LocalEnd, ValueStart int
}

// The views that a statement may name.
const (
	settingsView = "pg_settings"
	preparedView = "pg_prepared_statements"
)

// maxSetConfigs bounds the calls of set_config() in one statement.
const maxSetConfigs = 1000

// here reports whether the setting is one of those that cannot change a result, which the proxy may keep to itself.
func here(name string) bool {
	switch lower(name) {
	case "application_name", "client_connection_check_interval", "client_encoding", "client_min_messages", "extra_float_digits",
		"idle_in_transaction_session_timeout", "idle_session_timeout", "tcp_keepalives_count", "tcp_keepalives_idle",
		"tcp_keepalives_interval", "tcp_user_timeout":
		return true
	}
	return false
}

// settingCalls reads the whole statement again, and completes its plan p by what it does with settings.
func (r *reader) settingCalls(p Plan) Plan {
	c := callReader{reader: reader{sql: r.sql, scan: r.scan.At(r.marks.callsFrom), more: true}}
	c.next()
	for c.more && c.count <= maxSetConfigs {
		c.step()
	}
	p.PreparedView = c.view
	switch {
	case p.calls == callsShown:
		c.found.Assigns = nil
	case c.count > maxSetConfigs:
		return refuse(FeatureSetConfig, "set_config() more than 1000 times in a statement")
	case c.count > 0 && p.calls == callsKept:
		return refuse(FeatureSetConfig, "set_config() outside a query")
	case c.refusal != "":
		return refuse(FeatureSetConfig, c.refusal)
	}
	for _, a := range c.found.Assigns {
		if refused, ok := unsettable("set_config() of", lower(a.Name)); ok {
			return refused
		}
		if a.Rows && !c.settings {
			return refuse(FeatureSetConfig, computedName)
		}
	}
	if c.found.Reads || c.found.Assigns != nil {
		p.Calls = &c.found
	}
	return p
}

// What set_config() may not be given.
const (
	computedName  = "set_config() with a computed name"
	computedLocal = "set_config() with a computed is_local"
)

// callReader is the reader that settingCalls works with.
type callReader struct {
	reader
	before   string    // the identifier that a point right here would qualify; "" if there is none
	open     []openSet // the calls of set_config() that are not closed yet
	count    int       // how many there were
	found    SettingCalls
	settings bool   // pg_settings is named
	view     bool   // pg_prepared_statements is
	refusal  string // what is wrong with the first call that cannot be carried out
}

// openSet is a call of set_config() whose parenthesis is not closed yet.
type openSet struct {
	SetConfig
	depth   int    // its parenthesis is the depth-th that is open
	commas  int    // seen so far
	refusal string // what is wrong with it
	null    bool   // the name is NULL, for which Postgres has an error
}

// step goes on behind one token, or behind an identifier and the parenthesis that makes it a call.
func (c *callReader) step() {
	if !c.tok.IsIdent() {
		if !c.isChar('.') {
			c.before = ""
		}
		if c.tok.Kind == sqlscan.Punct && len(c.open) > 0 {
			c.punct(&c.open[len(c.open)-1])
		}
		c.next()
		return
	}
	qualified, schema := c.afterPoint(), c.before
	c.before = c.ident()
	if qualified && c.before == "current_setting" && !c.isChar('(') {
		c.found.Reads = true // ('name').current_setting
	}
	if qualified && schema != "pg_catalog" {
		return
	}
	switch c.before {
	case settingsView:
		c.settings, c.found.Reads = true, true
	case preparedView:
		c.view = true
	}
	if c.isChar('(') {
		c.call(c.before)
	}
}

// call notes the call of a function of that name, whose parenthesis stands here.
func (c *callReader) call(name string) {
	switch name {
	case "set_config":
		s := openSet{depth: c.depth}
		c.next()
		c.before = ""
		s.setName(c.reader)
		c.open = append(c.open, s)
		c.count++
	case "current_setting":
		ahead := c.reader
		ahead.next()
		o, ok := ahead.operand(0)
		c.found.Reads = c.found.Reads || !ok || o.Kind != ArgString || here(o.Value)
	case "pg_show_all_settings", "pg_client_encoding":
		c.found.Reads = true
	case "pg_prepared_statement":
		c.view = true
	}
}

// punct follows the arguments of the innermost open call.
func (c *callReader) punct(s *openSet) {
	switch {
	case c.isChar(',') && c.depth == s.depth:
		if s.commas++; s.commas == 2 {
			s.ValueStart = c.prev.Start
			ahead := c.reader
			ahead.next()
			s.setLocal(ahead)
		}
	case c.depth < s.depth:
		// With another number of arguments it is not the function of Postgres.
		if s.LocalEnd = c.prev.End; s.commas == 2 && !s.null {
			c.found.Assigns = append(c.found.Assigns, s.SetConfig)
			if c.refusal == "" {
				c.refusal = s.refusal
			}
		}
		c.open = c.open[:len(c.open)-1]
	}
}

// setName reads the first argument, which starts where r stands.
func (s *openSet) setName(r reader) {
	r.accept("ALL")
	start := r.tok.Start
	o, ok := r.operand(0)
	text := o.cast == "" || o.cast == "text" || o.cast == "varchar"
	switch {
	case ok && text && o.Kind == ArgString:
		s.Name = o.Value
	case ok && text && o.Kind == ArgParam:
		s.NameParam = o.Param
	case ok && o.Kind == ArgNull:
		s.null = true
	case ok && text && o.column == "name":
		s.Rows, s.NameStart, s.NameEnd = true, start, r.prev.End
	default:
		s.refusal = computedName
	}
}

// setLocal reads the third argument, which starts where r stands.
func (s *openSet) setLocal(r reader) {
	s.LocalStart = r.tok.Start
	o, ok := r.operand(0)
	known := ok && (o.cast == "" || o.cast == "bool" || o.cast == "boolean")
	switch {
	case known && o.Kind == ArgParam:
		s.LocalParam = o.Param
		return
	case known && o.Kind == ArgNull: // as false
		return
	case known && (o.Kind == ArgString || o.Kind == ArgBool || o.Kind == ArgNumber && o.cast != ""):
		if s.Local, known = boolean(o.Value); known {
			return
		}
	}
	if s.refusal == "" {
		s.refusal = computedLocal
	}
}

// boolean reads a bool as boolin does.
func boolean(s string) (value, ok bool) {
	s = strings.Trim(lower(s), " \t\n\r\f\v")
	switch {
	case s == "":
		return false, false
	case s == "1", s == "on", strings.HasPrefix("true", s), strings.HasPrefix("yes", s):
		return true, true
	case s == "0", s == "of", s == "off", strings.HasPrefix("false", s), strings.HasPrefix("no", s):
		return false, true
	}
	return false, false
}

// operand is a simple expression: a constant, a parameter or a column, perhaps with a cast.
type operand struct {
	Arg
	column string // the column's own name
	cast   string // the type's name
}

// maxParens bounds the parentheses around an operand.
const maxParens = 8

// operand takes a simple expression that is a whole argument; false if there is none.
func (r *reader) operand(parens int) (o operand, ok bool) {
	ahead := *r
	switch {
	case r.isChar('(') && parens < maxParens:
		r.next()
		if o, ok = r.operand(parens + 1); !ok || !r.acceptChar(')') {
			return o, false
		}
	case ahead.literal(&o.Arg):
		*r = ahead
	case r.is("CAST") && r.nextIsChar('('):
		r.next()
		r.next()
		ahead = *r
		if !ahead.literal(&o.Arg) || !ahead.accept("AS") {
			return o, false
		}
		*r = ahead
		if o.cast, ok = r.typeName(); !ok || !r.acceptChar(')') {
			return o, false
		}
	case r.typedLiteral(&o):
	default:
		if o = (operand{column: r.column()}); o.column == "" {
			return o, false
		}
	}
	for r.tok.Text(r.sql) == "::" {
		again := o.cast
		r.next()
		if o.cast, ok = r.typeName(); !ok || again != "" && again != o.cast {
			return o, false
		}
	}
	return o, r.isChar(',') || r.isChar(')')
}

// typedLiteral takes a string constant behind the name of its type: text 'x'.
func (r *reader) typedLiteral(o *operand) bool {
	ahead := *r
	cast, ok := ahead.typeName()
	if !ok || !ahead.more || ahead.tok.Kind != sqlscan.String {
		return false
	}
	if *o = (operand{cast: cast}); !ahead.literal(&o.Arg) {
		return false
	}
	*r = ahead
	return true
}

// column takes a column with what may stand before it, and gives its own name.
func (r *reader) column() string {
	name, ok := r.name()
	for ok && r.acceptChar('.') {
		if ok = r.more && r.tok.IsIdent(); ok {
			name = r.ident()
		}
	}
	if !ok {
		return ""
	}
	return name
}

// typeName takes the name of a type of Postgres that is one word.
func (r *reader) typeName() (string, bool) {
	name, ok := r.name()
	if ok && name == "pg_catalog" && r.acceptChar('.') {
		name, ok = r.name()
	}
	return name, ok
}
