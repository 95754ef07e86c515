package catalog

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Facts are what a server reports at login. Immutable: shared by every session of a route.
type Facts struct {
	// Reported are the parameters that a server of that version reports by itself (GUC_REPORT), in the order of their
	// names; application_name and client_encoding are the session's own and left out.
	Reported []Parameter
	// VersionNum is server_version_num, such as 150018.
	VersionNum int
	// StandardConforming is standard_conforming_strings: how the server reads a backslash in '...'.
	StandardConforming bool
	// ExtraFloatDigits is the role's extra_float_digits.
	ExtraFloatDigits int

	settings map[string]Parameter // by the name in lower case
}

// Parameter is a setting with its value as SHOW prints it.
type Parameter struct{ Name, Value string }

// Caller is the user whose token carries a request.
type Caller struct {
	Token   upstream.Token
	Subject string
}

// factsSQL asks for every setting that pg_settings shows to the role, and for those that it never shows: who the session is, and
// customized options that the role or the database has a default for. A server gives NULL for a name that it does not know. What
// pg_settings shows may be read. The token stands in pg_session_jwt.*: left out.
const factsSQL = `SELECT s.name, pg_catalog.current_setting(s.name, true) FROM pg_catalog.pg_settings AS s` +
	` WHERE NOT pg_catalog.starts_with(s.name, 'pg_session_jwt.')` +
	` UNION ALL SELECT n, pg_catalog.current_setting(n, true) FROM pg_catalog.unnest(ARRAY['is_superuser','role','session_authorization']) AS n` +
	` UNION SELECT n, pg_catalog.current_setting(n, true) FROM pg_catalog.pg_db_role_setting AS d, pg_catalog.unnest(d.setconfig) AS c,` +
	` pg_catalog.split_part(c, '=', 1) AS n WHERE pg_catalog.strpos(n, '.') OPERATOR(pg_catalog.>) 0` +
	` AND NOT pg_catalog.starts_with(pg_catalog.lower(n), 'pg_session_jwt.')` +
	` AND d.setrole OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) session_user)])` +
	` AND d.setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, (SELECT b.oid FROM pg_catalog.pg_database AS b WHERE b.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())])`

// reported are the parameters that some version from 14 to 18 reports, in the order of their names. search_path is
// reported from 18 on; scram_iterations exists from 16 on.
var reported = []string{"DateStyle", "default_transaction_read_only", "in_hot_standby", "integer_datetimes", "IntervalStyle",
	"is_superuser", "scram_iterations", "search_path", "server_encoding", "server_version", "session_authorization",
	"standard_conforming_strings", "TimeZone"}

const searchPathReportedSince = 180000

// Bounds of what is read; a server shows about 400 settings.
const (
	maxSettings    = 4096
	maxSettingSize = 1 << 20 // bytes of all names and values
)

// read asks the server, as one autocommit statement.
func read(ctx context.Context, up upstream.Upstream, who Caller) (*Facts, error) {
	var rows pairs
	err := up.Run(ctx, &upstream.Request{
		Token:      who.Token,
		Subject:    who.Subject,
		Statements: []upstream.Statement{{SQL: factsSQL}},
	}, &rows)
	if err != nil {
		return nil, err
	}
	return NewFacts(rows.values)
}

// NewFacts makes facts of settings as a new session of the server shows them: of all that there are, the more the better,
// at least server_version_num. The error says that one has no such value.
func NewFacts(settings []Parameter) (*Facts, error) {
	f := &Facts{StandardConforming: true, settings: make(map[string]Parameter, len(settings))}
	for _, p := range settings {
		var err error
		switch p.Name {
		case "server_version_num":
			f.VersionNum, err = strconv.Atoi(p.Value)
		case "extra_float_digits":
			f.ExtraFloatDigits, err = strconv.Atoi(p.Value)
		case "standard_conforming_strings":
			f.StandardConforming = p.Value != "off"
		}
		if err != nil {
			return nil, malformed(err)
		}
		f.settings[strings.ToLower(p.Name)] = p
	}
	if f.VersionNum == 0 {
		return nil, malformed(errors.New("no server_version_num"))
	}
	for _, name := range reported {
		if name == "search_path" && f.VersionNum < searchPathReportedSince {
			continue
		}
		if p, ok := f.settings[strings.ToLower(name)]; ok {
			f.Reported = append(f.Reported, p)
		}
	}
	f.ofASession()
	return f, nil
}

// ofASession corrects what the connection under a request has for itself: a session that asks for nothing starts without a
// name and in the server's own encoding.
func (f *Facts) ofASession() {
	if p, ok := f.settings["application_name"]; ok {
		p.Value = ""
		f.settings["application_name"] = p
	}
	if p, ok := f.settings["client_encoding"]; ok {
		p.Value = f.settings["server_encoding"].Value
		f.settings["client_encoding"] = p
	}
}

// Setting gives a setting by its name in lower case: the name as the server spells it and the value that a session starts
// with, as SHOW prints it. Settings that the role may not see, and those of pg_session_jwt, are not there.
func (f *Facts) Setting(lowerName string) (name, value string, ok bool) {
	p, ok := f.settings[lowerName]
	return p.Name, p.Value, ok
}

// Version is server_version_num, such as 150018.
func (f *Facts) Version() int { return f.VersionNum }

func malformed(cause error) error {
	return pgerr.New(pgerr.ConnectionFailure, "the server's parameters could not be read").Because(cause)
}

// pairs is the sink of a result of two text columns; rows with a NULL value are left out.
type pairs struct {
	buf    []byte
	values []Parameter
	size   int // bytes in values
}

func (p *pairs) Fields(int, []upstream.Field) error          { return nil }
func (p *pairs) NextRow() []byte                             { return p.buf[:0] }
func (p *pairs) Complete(_ int, _ upstream.Completion) error { return nil }

func (p *pairs) EndRow(body []byte) error {
	p.buf = body
	var v [2][]byte
	if err := columns(body, v[:]); err != nil {
		return malformed(err)
	}
	if v[0] == nil {
		return malformed(errors.New("no name"))
	}
	if v[1] == nil {
		return nil
	}
	p.size += len(v[0]) + len(v[1])
	if len(p.values) == maxSettings || p.size > maxSettingSize {
		return malformed(errors.New("too many"))
	}
	p.values = append(p.values, Parameter{string(v[0]), string(v[1])})
	return nil
}
