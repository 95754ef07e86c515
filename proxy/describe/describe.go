package describe

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Query is a statement as a client gave it, with all that its description depends on beside the route and its role.
type Query struct {
	Text     string    // one statement, with its blanks, comments and semicolon
	Plan     plan.Plan // of Text
	Declared []uint32  // type OIDs of the parameters from $1 on; 0 and 705 (unknown) declare nothing
	// Settings names the settings that the asker puts before its statements.
	Settings string
	// StandardConforming is standard_conforming_strings as those settings leave it.
	StandardConforming bool

	// Prepare says that Text is the body of the command PREPARE, and TypeList is its type list as written, with its
	// parentheses, "" without one. A TypeList alone says so too; Declared is not looked at then. An error's position in the type
	// list is given negative: -1 is TypeList's first character.
	Prepare  bool
	TypeList string
}

// Description is what Parse and Describe of a statement tell. Immutable: it is shared by sessions.
type Description struct {
	Params []uint32 // type OIDs of $1 on
	Fields []upstream.Field
	Rows   bool // false: NoData; a result without columns has Rows and no Fields
	// Err is what Describe of the statement answers although it was parsed: the server would not say what it returns. Such a
	// description is not kept.
	Err *pgerr.Error
}

// Options of a Describer.
type Options struct {
	TTL   time.Duration // how long a description is given out; 0 is a minute
	Bytes int64         // bound of the memory that descriptions take; 0 is 32 MiB
	Route string        // name of the route, the metrics' label
	Role  string        // that the route's statements run as
}

// Describer describes statements of one route, all of whose users have the same role. Safe for concurrent use.
type Describer struct {
	// Immutable.
	types *catalog.Types
	cache *cache

	epoch atomic.Uint64
}

// New makes a Describer with an empty cache. Several routes may share reg; nil registers nothing.
func New(reg prometheus.Registerer, types *catalog.Types, o Options) *Describer {
	return &Describer{types: types, cache: newCache(o, newMetrics(reg, o.Route))}
}

// Describe describes q, from the cache or by what ask is told. The error is the *pgerr.Error that Postgres answers Parse of q
// with, its position in q.Text, or what kept the server from being asked, as ask gave it.
func (d *Describer) Describe(ctx context.Context, ask catalog.Asker, q Query) (*Description, error) {
	return d.cache.get(ctx, keyOf(q), func() (*Description, error) {
		r := newRequest(ctx, ask, d.types, q)
		answer, err := r.describe()
		if len(r.written) > 0 && unknownName(answer, err) {
			// A type may have been renamed since its name was read. If not, the error comes again.
			d.types.Forget(r.written...)
			answer, err = newRequest(ctx, ask, d.types, q).describe()
		}
		return answer, err
	})
}

// unknownName reports whether the server does not know a type or a schema.
func unknownName(d *Description, err error) bool {
	var e *pgerr.Error
	if err == nil {
		e = d.Err
	} else if !errors.As(err, &e) {
		return false
	}
	return e != nil && (e.Code == pgerr.UndefinedObject || e.Code == "3F000") // invalid_schema_name
}

// Epoch counts the calls of Flush: as long as it stays the same, no statement that went through here has changed what a
// description says.
func (d *Describer) Epoch() uint64 { return d.epoch.Load() }

// Evict forgets the description of q: what it says was found not to be true any more.
func (d *Describer) Evict(q Query) { d.cache.evict(keyOf(q)) }

// Flush forgets everything: the database's objects may have changed. An answer that was asked for before is not kept.
func (d *Describer) Flush() {
	d.epoch.Add(1)
	d.cache.flush()
}
