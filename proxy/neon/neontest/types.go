package neontest

import (
	"encoding/binary"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
)

// pgType is what the output of values needs of a type: its element if it is an array.
type pgType struct {
	oid  uint32
	elem *pgType
}

// builtinTypes are the types that Neon's client knows without asking; builtinArrays their arrays, with the element.
var builtinTypes = []uint32{16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 32, 114, 142, 194, 269, 325, 600, 601, 602, 603,
	604, 628, 650, 700, 701, 705, 718, 774, 790, 829, 869, 1033, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1560, 1562,
	1700, 1790, 2202, 2203, 2204, 2205, 2206, 2249, 2275, 2276, 2277, 2278, 2279, 2280, 2281, 2283, 2287, 2776, 2950, 2970, 3115,
	3220, 3310, 3361, 3402, 3500, 3614, 3615, 3642, 3734, 3769, 3802, 3831, 3838, 3904, 3906, 3908, 3910, 3912, 3926, 4072, 4089,
	4096, 4191, 4451, 4532, 4533, 4534, 4535, 4536, 4537, 4538, 4600, 4601, 5017, 5038, 5069, 5077, 5078, 5079, 5080}

var builtinArrays = [][2]uint32{{22, 21}, {30, 26}, {143, 142}, {199, 114}, {271, 5069}, {629, 628}, {651, 650}, {719, 718},
	{775, 774}, {791, 790}, {1000, 16}, {1001, 17}, {1002, 18}, {1003, 19}, {1005, 21}, {1006, 22}, {1007, 23}, {1008, 24},
	{1009, 25}, {1010, 27}, {1011, 28}, {1012, 29}, {1013, 30}, {1014, 1042}, {1015, 1043}, {1016, 20}, {1017, 600}, {1018, 601},
	{1019, 602}, {1020, 603}, {1021, 700}, {1022, 701}, {1027, 604}, {1028, 26}, {1034, 1033}, {1040, 829}, {1041, 869},
	{1115, 1114}, {1182, 1082}, {1183, 1083}, {1185, 1184}, {1187, 1186}, {1231, 1700}, {1263, 2275}, {1270, 1266}, {1561, 1560},
	{1563, 1562}, {2201, 1790}, {2207, 2202}, {2208, 2203}, {2209, 2204}, {2210, 2205}, {2211, 2206}, {2949, 2970}, {2951, 2950},
	{3221, 3220}, {3643, 3614}, {3644, 3642}, {3645, 3615}, {3735, 3734}, {3770, 3769}, {3807, 3802}, {3905, 3904}, {3907, 3906},
	{3909, 3908}, {3911, 3910}, {3913, 3912}, {3927, 3926}, {4073, 4072}, {4090, 4089}, {4097, 4096}, {4192, 4191}, {5039, 5038},
	{6150, 4451}, {6151, 4532}, {6152, 4533}, {6153, 4534}, {6155, 4535}, {6157, 4536}}

var builtin = func() map[uint32]pgType {
	known := map[uint32]pgType{}
	for _, oid := range builtinTypes {
		known[oid] = pgType{oid: oid}
	}
	for range 2 { // an array may have an array type as its element (int2vector, oidvector)
		for _, pair := range builtinArrays {
			if elem, ok := known[pair[1]]; ok {
				known[pair[0]] = pgType{oid: pair[0], elem: &elem}
			}
		}
	}
	return known
}()

const (
	unknownOID = 705

	// typeinfo is the name of the statement that looks types up: a user's statement of that name collides with it.
	typeinfo    = "neon_proxy_typeinfo"
	typeinfoSQL = `SELECT t.typtype, t.typelem, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = $1`
)

func (b *backend) known(oid uint32) (pgType, bool) {
	if t, ok := builtin[oid]; ok {
		return t, true
	}
	t, ok := b.types[oid]
	return t, ok
}

// resolve finds the types of the columns, asking Postgres if one is new to this backend. It is called between Describe
// and Bind.
func (b *backend) resolve(columns []column) error {
	all := true
	for i := range columns {
		t, ok := b.known(columns[i].oid)
		columns[i].typ = t
		all = all && ok && t.oid != unknownOID
	}
	if all {
		return nil
	}
	err := b.lookUp(columns)
	closing := b.send(&pgproto3.Close{ObjectType: 'S', Name: typeinfo}, &pgproto3.Flush{})
	if err != nil {
		return err
	}
	if closing != nil {
		return closing
	}
	_, err = b.expect("3")
	return err
}

func (b *backend) lookUp(columns []column) error {
	err := b.send(&pgproto3.Parse{Name: typeinfo, Query: typeinfoSQL}, &pgproto3.Describe{ObjectType: 'S', Name: typeinfo}, &pgproto3.Flush{})
	if err != nil {
		return err
	}
	for _, tags := range []string{"1", "t", "T"} {
		if _, err := b.expect(tags); err != nil {
			return err
		}
	}
	for i := range columns {
		if columns[i].typ, err = b.lookUpType(columns[i].oid, 0); err != nil {
			return err
		}
	}
	return nil
}

func (b *backend) lookUpType(oid uint32, depth int) (pgType, error) {
	if t, ok := b.known(oid); ok {
		return t, nil
	}
	row, err := b.typeRow(oid)
	if err != nil {
		return pgType{}, err
	}
	if depth > 8 || len(row) != 3 {
		return pgType{}, errUnexpectedMessage
	}
	kind, elemText, base := string(row[0]), string(row[1]), string(row[2])
	t := pgType{oid: oid}
	if kind != "e" && kind != "p" && base == "0" && elemText != "0" {
		n, err := strconv.ParseUint(elemText, 10, 32)
		if err != nil {
			return pgType{}, errUnexpectedMessage
		}
		elem, err := b.lookUpType(uint32(n), depth+1)
		if err != nil {
			return pgType{}, err
		}
		t.elem = &elem
	}
	b.types[oid] = t
	return t, nil
}

func (b *backend) typeRow(oid uint32) ([][]byte, error) {
	arg := []byte(strconv.FormatUint(uint64(oid), 10))
	if err := b.send(&pgproto3.Bind{PreparedStatement: typeinfo, Parameters: [][]byte{arg}}, &pgproto3.Execute{}, &pgproto3.Flush{}); err != nil {
		return nil, err
	}
	if _, err := b.expect("2"); err != nil {
		return nil, err
	}
	m, err := b.expect("D")
	if err != nil {
		return nil, err
	}
	if _, err := b.expect("C"); err != nil {
		return nil, err
	}
	return splitRow(m.body)
}

// splitRow cuts a DataRow; the values point into it, NULL is nil.
func splitRow(body []byte) ([][]byte, error) {
	if len(body) < 2 {
		return nil, parseFailure("unexpected EOF")
	}
	values := make([][]byte, binary.BigEndian.Uint16(body))
	body = body[2:]
	for i := range values {
		if len(body) < 4 {
			return nil, parseFailure("unexpected EOF")
		}
		n := int32(binary.BigEndian.Uint32(body))
		body = body[4:]
		if n < 0 {
			continue
		}
		if int(n) > len(body) {
			return nil, parseFailure("unexpected EOF")
		}
		values[i], body = body[:n:n], body[n:]
	}
	return values, nil
}
