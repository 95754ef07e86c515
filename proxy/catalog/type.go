package catalog

import (
	"context"
	"errors"
	"strconv"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Type is a data type of the server.
type Type struct {
	OID uint32
	// Name is qualified and quoted, to be written in a cast: pg_catalog.int4, pg_catalog."char", public."Mood". In a cast it
	// means exactly this type, without a modifier: pg_catalog."bit" has no length, where bit would have 1.
	Name string
	// Base is the type under a domain, through all levels; of any other type it is OID.
	Base uint32
	// Kind is pg_type.typtype: b base, c composite, d domain, e enum, m multirange, p pseudo-type, r range.
	Kind byte
	// Size is pg_type.typlen: bytes, -1 of variable length, -2 ended by NUL.
	Size int16
	// Element is the type of an array's elements; 0 of what is no true array, such as point.
	Element uint32
	// Usable: the role may use the type's schema, without which Name cannot be written in a statement.
	Usable bool
}

// Pseudo reports whether it is a pseudo-type: void, unknown, record, anyelement and such.
func (t Type) Pseudo() bool { return t.Kind == 'p' }

// firstUserOID is the server's FirstNormalObjectId: lower OIDs were given out by initdb and mean the same on every server of a
// version.
const firstUserOID = 16384

// typesSQL reads the types $1 with all that they are domains over and, if $2, the server's own types but for the row types
// of its tables. Every name and operator is qualified: search_path is the session's.
const typesSQL = `WITH RECURSIVE wanted(oid) AS (` +
	`SELECT pg_catalog.unnest($1::pg_catalog.oid[]) ` +
	`UNION SELECT t.oid FROM pg_catalog.pg_type AS t LEFT JOIN pg_catalog.pg_type AS e ON e.oid OPERATOR(pg_catalog.=) t.typelem` +
	` WHERE $2::pg_catalog.bool AND t.typnamespace OPERATOR(pg_catalog.=) 11::pg_catalog.oid` +
	` AND t.typtype OPERATOR(pg_catalog.<>) 'c'::pg_catalog."char" AND e.typtype IS DISTINCT FROM 'c'::pg_catalog."char" ` +
	`UNION SELECT t.typbasetype FROM wanted JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) wanted.oid` +
	` WHERE t.typbasetype OPERATOR(pg_catalog.<>) 0::pg_catalog.oid` +
	`) SELECT t.oid, pg_catalog.format('%I.%I', n.nspname, t.typname), t.typbasetype, t.typtype, t.typlen,` +
	` CASE WHEN t.typsubscript OPERATOR(pg_catalog.=) 'pg_catalog.array_subscript_handler'::pg_catalog.regproc THEN t.typelem ELSE 0::pg_catalog.oid END,` +
	` pg_catalog.has_schema_privilege(n.oid, 'USAGE')` +
	` FROM wanted JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) wanted.oid` +
	` JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace`

// readTypes asks for the types oids and, if own, the server's own ones. An OID that is no type has no entry in the answer.
func readTypes(ctx context.Context, ask Asker, oids []uint32, own bool) (map[uint32]Type, error) {
	array := []byte{'{'}
	for i, oid := range oids {
		if i > 0 {
			array = append(array, ',')
		}
		array = strconv.AppendUint(array, uint64(oid), 10)
	}
	statement := upstream.Statement{SQL: typesSQL, Params: [][]byte{append(array, '}'), []byte(strconv.FormatBool(own))}}
	sink := typeRows{types: make(map[uint32]Type)}
	if err := ask.Ask(ctx, []upstream.Statement{statement}, &sink); err != nil {
		return nil, err
	}
	for oid, t := range sink.types {
		t.Base = sink.base(t)
		sink.types[oid] = t
	}
	return sink.types, nil
}

// typeRows is the sink of typesSQL. While it reads, Base is pg_type.typbasetype.
type typeRows struct {
	buf   []byte
	types map[uint32]Type
}

func (r *typeRows) Fields(int, []upstream.Field) error      { return nil }
func (r *typeRows) NextRow() []byte                         { return r.buf[:0] }
func (r *typeRows) Complete(int, upstream.Completion) error { return nil }
func (r *typeRows) EndRow(body []byte) error {
	r.buf = body
	var v [7][]byte
	if err := columns(body, v[:]); err != nil {
		return malformedType(err)
	}
	var t Type
	var err error
	number := func(b []byte, bits int) uint32 {
		n, e := strconv.ParseUint(string(b), 10, bits)
		err = errors.Join(err, e)
		return uint32(n)
	}
	t.OID, t.Base, t.Element = number(v[0], 32), number(v[2], 32), number(v[5], 32)
	size, e := strconv.ParseInt(string(v[4]), 10, 16)
	if err = errors.Join(err, e); err != nil {
		return malformedType(err)
	}
	if len(v[3]) != 1 {
		return malformedType(errors.New("no kind"))
	}
	t.Name, t.Kind, t.Size, t.Usable = string(v[1]), v[3][0], int16(size), string(v[6]) == "t"
	r.types[t.OID] = t
	return nil
}

// base is the type at the end of t's chain of domains, as far as it was read.
func (r *typeRows) base(t Type) uint32 {
	oid := t.OID
	for range len(r.types) { // a chain is no longer
		next, ok := r.types[oid]
		if !ok || next.Kind != 'd' {
			break
		}
		oid = next.Base
	}
	return oid
}

func malformedType(cause error) error {
	return pgerr.New(pgerr.ConnectionFailure, "the server's types could not be read").Because(cause)
}
