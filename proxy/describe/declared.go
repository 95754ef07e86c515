package describe

import (
	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// declared is what is known of a parameter before the server is asked.
type declared struct {
	oid   uint32 // as declared; 0: not declared
	typed string // the type's name to give it in a statement of ours; "" leaves it to the server
}

const typeText = "pg_catalog.text"

// undeclared reports whether a type OID in Parse declares nothing.
func undeclared(oid uint32) bool { return oid == 0 || oid == oidUnknown }

// resolve finds out how the parameters are declared.
func (r *request) resolve() error {
	n := max(r.st.params, len(r.q.Declared))
	if n > maxParams {
		return pgerr.New(pgerr.ProgramLimitExceeded, "a statement can have at most %d parameters", maxParams).
			WithDetail("The database is reached by a protocol with this limit.")
	}
	r.declared = make([]declared, n)
	occurs := used(r.q.Text, r.q.StandardConforming, n)
	var ask []uint32
	for i, oid := range r.q.Declared {
		if undeclared(oid) {
			continue
		}
		r.declared[i].oid = oid
		if occurs[i] {
			ask = append(ask, oid)
		} else {
			// What does not occur has no part in the statement, but must have some type.
			r.declared[i].typed = typeText
		}
	}
	if len(ask) == 0 {
		return nil
	}
	types, err := r.named(ask)
	if err != nil {
		return err
	}
	for i := range r.declared {
		p := &r.declared[i]
		if p.oid == 0 || !occurs[i] {
			continue
		}
		// A pseudo-type says nothing about a value, and what the role cannot name it cannot declare: the server infers then.
		if t := types[p.oid]; !t.Pseudo() {
			p.typed = t.Name
		}
	}
	return nil
}

// typeName is a type with the name of its base type. A name that the role cannot use, for lack of a right to its schema, is "".
type typeName struct {
	catalog.Type
	base string
}

// nameOf is the name that t can be written by.
func nameOf(t catalog.Type) string {
	if !t.Usable {
		return ""
	}
	return t.Name
}

// named looks types up. One that does not exist is the error that Postgres has for it.
func (r *request) named(ask []uint32) (map[uint32]typeName, error) {
	types, err := r.types.Get(r.ctx, r.ask, ask)
	if err != nil {
		return nil, err
	}
	var bases []uint32
	found := make(map[uint32]typeName, len(ask))
	for _, oid := range ask {
		t, ok := types[oid]
		if !ok {
			return nil, pgerr.New(pgerr.InternalError, "cache lookup failed for type %d", oid)
		}
		t.Name = nameOf(t)
		found[oid] = typeName{t, t.Name}
		if oid >= firstUserOID {
			r.written = append(r.written, oid)
		}
		if t.Base != 0 && t.Base != oid {
			bases = append(bases, t.Base)
		}
	}
	if len(bases) == 0 {
		return found, nil
	}
	if types, err = r.types.Get(r.ctx, r.ask, bases); err != nil {
		return nil, err
	}
	for oid, t := range found {
		if b, ok := types[t.Base]; ok {
			t.base = nameOf(b)
			found[oid] = t
			if b.OID >= firstUserOID {
				r.written = append(r.written, b.OID)
			}
		}
	}
	return found, nil
}

// reported puts the declared types in the place of those that were found.
func (r *request) reported(found []uint32) []uint32 {
	params := make([]uint32, max(len(found), len(r.declared)))
	copy(params, found)
	for i, p := range r.declared {
		if p.oid != 0 {
			params[i] = p.oid
		}
	}
	return params
}

// onlyDeclared is what Postgres reports of a statement that it does not analyse: the types as they were declared, or an error if
// one of them is left open.
func (r *request) onlyDeclared() ([]uint32, error) {
	for i, oid := range r.q.Declared {
		if undeclared(oid) {
			return nil, undetermined(i + 1)
		}
	}
	return append([]uint32(nil), r.q.Declared...), nil
}

// undetermined is Postgres' error about a parameter without a type.
func undetermined(n int) error {
	return pgerr.New("42P18", "could not determine data type of parameter $%d", n)
}
