package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"

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
}

// Parameter is a setting with its value as SHOW prints it.
type Parameter struct{ Name, Value string }

// Caller is the user whose token carries a request.
type Caller struct {
	Token   upstream.Token
	Subject string
}

// factsSQL asks for every parameter that some version from 14 to 18 reports; a server gives NULL for a name that it
// does not know, and from pg_settings comes the spelling. search_path is reported from 18 on, scram_iterations from 16.
const factsSQL = `SELECT n, pg_catalog.current_setting(n, true) FROM pg_catalog.unnest(ARRAY[` +
	`'DateStyle','default_transaction_read_only','extra_float_digits','in_hot_standby','integer_datetimes','IntervalStyle',` +
	`'is_superuser','scram_iterations','search_path','server_encoding','server_version','server_version_num',` +
	`'session_authorization','standard_conforming_strings','TimeZone']) AS n`

// unreported are read for the proxy's own use.
var unreported = map[string]bool{"extra_float_digits": true, "server_version_num": true}

const searchPathReportedSince = 180000

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
	return factsOf(rows.values)
}

func factsOf(values []Parameter) (*Facts, error) {
	f := &Facts{StandardConforming: true}
	for _, p := range values {
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
	}
	if f.VersionNum == 0 {
		return nil, malformed(errors.New("no server_version_num"))
	}
	for _, p := range values {
		if unreported[p.Name] || p.Name == "search_path" && f.VersionNum < searchPathReportedSince {
			continue
		}
		f.Reported = append(f.Reported, p)
	}
	return f, nil
}

func malformed(cause error) error {
	return pgerr.New(pgerr.ConnectionFailure, "the server's parameters could not be read").Because(cause)
}

// pairs is the sink of a result of two text columns; rows with a NULL value are left out.
type pairs struct {
	buf    []byte
	values []Parameter
}

func (p *pairs) Fields(int, []upstream.Field) error          { return nil }
func (p *pairs) NextRow() []byte                             { return p.buf[:0] }
func (p *pairs) Complete(_ int, _ upstream.Completion) error { return nil }

func (p *pairs) EndRow(body []byte) error {
	p.buf = body
	if len(body) < 2 || binary.BigEndian.Uint16(body) != 2 {
		return malformed(errors.New("not two columns"))
	}
	name, rest, ok := column(body[2:])
	if !ok || name == nil {
		return malformed(errors.New("no name"))
	}
	value, _, ok := column(rest)
	if !ok {
		return malformed(errors.New("no value"))
	}
	if value != nil {
		p.values = append(p.values, Parameter{string(name), string(value)})
	}
	return nil
}

// column cuts the first value off a DataRow body; nil is NULL.
func column(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int32(binary.BigEndian.Uint32(b))
	b = b[4:]
	if n == -1 {
		return nil, b, true
	}
	if n < 0 || int(n) > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}
