package neontest

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

// statement is one query of a request.
type statement struct {
	sql       string
	params    [][]byte // nil is NULL
	arrayMode *bool    // nil: the header decides
}

// column is one result column as described.
type column struct {
	name            string
	table, oid      uint32
	number          int16
	size            int16
	modifier        int32
	typ             pgType
	nameKey, infoJS []byte // the name as a JSON string, the whole as a JSON object
}

// maxParams is what fits the signed 16 bits in which Neon's client counts parameters.
const maxParams = 1<<15 - 1

// output is how a request wants its results.
type output struct {
	raw       bool // values as Postgres' text
	arrayMode bool // a row is a list
	limit     int  // bytes of the answer at which another row is too much
}

// run executes st and appends its result, a JSON object, to buf, which holds the answer so far.
func (b *backend) run(st statement, o output, buf []byte) ([]byte, error) {
	sql, named := withOwnSettings(st.sql)
	st.sql = sql
	buf, err := b.execute(st, o, buf)
	return buf, named(err)
}

func (b *backend) execute(st statement, o output, buf []byte) ([]byte, error) {
	columns, err := b.prepare(st)
	if err != nil {
		return buf, err
	}
	arrayMode := o.arrayMode
	if st.arrayMode != nil {
		arrayMode = *st.arrayMode
	}
	buf = append(buf, `{"fields":[`...)
	for i, c := range columns {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, c.infoJS...)
	}
	buf = append(buf, `],"rows":[`...)
	tag := ""
	for first := true; ; {
		m, err := b.expect("DIsCZ")
		if err != nil {
			return buf, err
		}
		switch m.tag {
		case 'D':
			if len(buf) > o.limit {
				return buf, &failure{status: 507, message: "response is too large (max is " + strconv.Itoa(o.limit) + " bytes)"}
			}
			if !first {
				buf = append(buf, ',')
			}
			first = false
			if buf, err = appendRow(buf, columns, m.body, o.raw, arrayMode); err != nil {
				return buf, err
			}
		case 'C':
			if t, err := textOf(trimNUL(m.body)); err == nil {
				tag = t
			}
		case 'Z':
			buf = appendTag(append(buf, ']'), tag)
			buf = strconv.AppendBool(append(buf, `,"rowAsArray":`...), arrayMode)
			return append(buf, '}'), nil
		}
	}
}

// prepare sends everything up to Sync and returns when Bind was accepted.
func (b *backend) prepare(st statement) (columns []column, err error) {
	b.waiting++
	synced := false
	defer func() {
		if !synced {
			_ = b.send(&pgproto3.Sync{}) // err is the answer already
		}
	}()
	if strings.IndexByte(st.sql, 0) >= 0 {
		return nil, refusal("error encoding message to server: string contains embedded null")
	}
	if err := b.send(&pgproto3.Parse{Query: st.sql}, &pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Flush{}); err != nil {
		return nil, err
	}
	for _, tags := range []string{"1", "t"} {
		if _, err := b.expect(tags); err != nil {
			return nil, err
		}
	}
	described, err := b.expect("Tn")
	if err != nil {
		return nil, err
	}
	if described.tag == 'T' {
		if columns, err = parseColumns(described.body); err != nil {
			return nil, err
		}
		if err := b.resolve(columns); err != nil {
			return nil, err
		}
	}
	if len(st.params) > maxParams {
		return nil, refusal("error serializing parameter 0: value too large to transmit")
	}
	synced = true
	err = b.send(&pgproto3.Bind{Parameters: st.params, ResultFormatCodes: []int16{0}}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if err != nil {
		return nil, err
	}
	_, err = b.expect("2")
	return columns, err
}

func parseColumns(body []byte) ([]column, error) {
	var d pgproto3.RowDescription
	if err := d.Decode(body); err != nil {
		return nil, parseFailure("unexpected EOF")
	}
	columns := make([]column, len(d.Fields))
	for i, f := range d.Fields {
		name, err := textOf(f.Name)
		if err != nil {
			return nil, err
		}
		c := column{name: name, table: f.TableOID, oid: f.DataTypeOID, number: int16(f.TableAttributeNumber), size: f.DataTypeSize, modifier: f.TypeModifier}
		c.nameKey = rustjson.AppendString(nil, name)
		c.infoJS = append(append([]byte(`{"name":`), c.nameKey...), `,"dataTypeID":`...)
		c.infoJS = strconv.AppendUint(c.infoJS, uint64(c.oid), 10)
		c.infoJS = strconv.AppendUint(append(c.infoJS, `,"tableID":`...), uint64(c.table), 10)
		c.infoJS = strconv.AppendInt(append(c.infoJS, `,"columnID":`...), int64(c.number), 10)
		c.infoJS = strconv.AppendInt(append(c.infoJS, `,"dataTypeSize":`...), int64(c.size), 10)
		c.infoJS = strconv.AppendInt(append(c.infoJS, `,"dataTypeModifier":`...), int64(c.modifier), 10)
		c.infoJS = append(c.infoJS, `,"format":"text"}`...)
		columns[i] = c
	}
	return columns, nil
}

// appendTag appends what is told of the command tag: its first word and its number.
func appendTag(buf []byte, tag string) []byte {
	words := strings.Split(tag, " ")
	count := 1
	if words[0] == "INSERT" {
		count = 2 // an OID stands before the number
	}
	buf = rustjson.AppendString(append(buf, `,"command":`...), words[0])
	buf = append(buf, `,"rowCount":`...)
	if count < len(words) {
		if n, err := strconv.ParseInt(words[count], 10, 64); err == nil {
			return strconv.AppendInt(buf, n, 10)
		}
	}
	return append(buf, "null"...)
}

func trimNUL(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == 0 {
		return b[:n-1]
	}
	return b
}
