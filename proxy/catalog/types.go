package catalog

import (
	"context"
	"sync"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Asker runs statements for the catalog as one user.
type Asker interface {
	// Ask runs the statements as one transaction; sink gets the results 0 to len(statements)-1. What an error means is as of
	// [upstream.Upstream].
	Ask(ctx context.Context, statements []upstream.Statement, sink upstream.RowSink) error
}

// Unshared is an Asker that may ask as another role than the route's: which types that one may use says nothing of the others' rights.
type Unshared interface {
	Asker
	AsAnotherRole() bool
}

// Types keep the types of one route. Safe for concurrent use.
//
// The server's own types all come with the first request, which asks for something anyway, and stay until they are
// forgotten: about 185 of them, which cost the server 0.9 ms where one alone costs 0.4. The others stay for the TTL.
type Types struct {
	// Immutable.
	ttl     time.Duration
	entries int

	mu      sync.Mutex
	own     map[uint32]Type          // OIDs below firstUserOID; nil before the first answer
	others  map[uint32]readType      // at most entries
	flights map[uint32]chan struct{} // OIDs being asked for; closed when the request ends
	opening chan struct{}            // the same of the request that brings own; nil when none is under way
	epoch   uint64                   // counts Forget: an answer to an older question is not kept
}

// readType is a type with the time it was read.
type readType struct {
	Type
	at time.Time
}

// NewTypes makes an empty store. ttl is how long a type that is not the server's own is given out; entries bounds how many of
// those are kept.
func NewTypes(ttl time.Duration, entries int) *Types {
	return &Types{ttl: ttl, entries: entries, others: make(map[uint32]readType), flights: make(map[uint32]chan struct{})}
}

// Get gives the types of oids; one that is no type of the server is absent, and 0 is ignored. What is not kept is asked for
// in one request; what another caller is asking for already is waited for. The error is ask's own, or ctx's cause.
func (t *Types) Get(ctx context.Context, ask Asker, oids []uint32) (map[uint32]Type, error) {
	if u, ok := ask.(Unshared); ok && u.AsAnotherRole() {
		return readApart(ctx, ask, oids)
	}
	found := make(map[uint32]Type, len(oids))
	var absent map[uint32]bool // this caller has asked itself, and they are no types
	for {
		mine, wait, epoch, own := t.look(found, absent, oids)
		if len(mine) > 0 {
			missing, err := t.fetch(ctx, ask, mine, own, epoch, found)
			if err != nil {
				return nil, err
			}
			for _, oid := range missing {
				if absent == nil {
					absent = make(map[uint32]bool)
				}
				absent[oid] = true
			}
			continue
		}
		if wait == nil {
			return found, nil
		}
		// Whether the other caller succeeds may hang on its token alone, so a failure is not shared: look again.
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// readApart reads types for one caller alone.
func readApart(ctx context.Context, ask Asker, oids []uint32) (map[uint32]Type, error) {
	var wanted []uint32
	seen := make(map[uint32]bool, len(oids))
	for _, oid := range oids {
		if oid != 0 && !seen[oid] {
			seen[oid] = true
			wanted = append(wanted, oid)
		}
	}
	if len(wanted) == 0 {
		return map[uint32]Type{}, nil
	}
	return readTypes(ctx, ask, wanted, false)
}

// Forget drops what is kept of oids, without any of everything: a name was found not to be true any more.
func (t *Types) Forget(oids ...uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch++
	if len(oids) == 0 {
		t.own = nil
		clear(t.others)
		return
	}
	for _, oid := range oids {
		delete(t.own, oid)
		delete(t.others, oid)
	}
}

// look moves what is kept of oids to found. mine are those that the caller is to ask for, whose flights are its own from now
// on, own says that the server's own types are to come along; else wait is a flight to wait for, if there is any.
func (t *Types) look(found map[uint32]Type, absent map[uint32]bool, oids []uint32) (mine []uint32, wait chan struct{}, epoch uint64, own bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var flight chan struct{}
	for _, oid := range oids {
		if _, ok := found[oid]; ok || oid == 0 || absent[oid] {
			continue
		}
		if oid < firstUserOID {
			if kept, ok := t.own[oid]; ok {
				found[oid] = kept
				continue
			}
			if t.opening != nil { // it may come with them
				wait = t.opening
				continue
			}
		} else if kept, ok := t.others[oid]; ok && time.Since(kept.at) < t.ttl {
			found[oid] = kept.Type
			continue
		}
		if other, ok := t.flights[oid]; ok {
			if other != flight {
				wait = other
			}
			continue
		}
		if flight == nil {
			flight = make(chan struct{})
		}
		t.flights[oid] = flight
		mine = append(mine, oid)
	}
	if len(mine) > 0 && t.own == nil && t.opening == nil {
		t.opening, own = flight, true
	}
	return mine, wait, t.epoch, own
}

// fetch asks for mine, settles their flight and says which of them are no types.
func (t *Types) fetch(ctx context.Context, ask Asker, mine []uint32, own bool, epoch uint64, found map[uint32]Type) (missing []uint32, err error) {
	var types map[uint32]Type
	defer func() { t.settle(mine, own, epoch, types) }()
	if types, err = readTypes(ctx, ask, mine, own); err != nil {
		return nil, err
	}
	for _, oid := range mine {
		if typ, ok := types[oid]; ok {
			found[oid] = typ
		} else {
			missing = append(missing, oid)
		}
	}
	return missing, nil
}

// settle ends a flight and keeps what it brought, nil if it failed.
func (t *Types) settle(mine []uint32, own bool, epoch uint64, types map[uint32]Type) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.flights[mine[0]])
	for _, oid := range mine {
		delete(t.flights, oid)
	}
	if own {
		t.opening = nil
	}
	if epoch != t.epoch || types == nil {
		return
	}
	if own {
		t.own = make(map[uint32]Type, len(types))
	}
	now := time.Now()
	for oid, typ := range types {
		switch {
		case oid >= firstUserOID:
			t.keep(oid, readType{typ, now})
		case t.own != nil:
			t.own[oid] = typ
		}
	}
}

// keep adds one type; over the bound the old ones go first, then any.
func (t *Types) keep(oid uint32, typ readType) {
	if t.entries <= 0 {
		return
	}
	if _, ok := t.others[oid]; !ok && len(t.others) >= t.entries {
		for o, old := range t.others {
			if typ.at.Sub(old.at) >= t.ttl {
				delete(t.others, o)
			}
		}
		for o := range t.others {
			if len(t.others) < t.entries {
				break
			}
			delete(t.others, o)
		}
	}
	t.others[oid] = typ
}
