package describe

import (
	"container/list"
	"context"
	"encoding/binary"
	"strings"
	"sync"
	"time"
	"unsafe"
)

const (
	defaultTTL   = time.Minute
	defaultBytes = 32 << 20
	// overhead is what an entry takes beside its strings and slices: list element, map slot, structs.
	overhead = 400
)

// key is everything in a Query that its description depends on. The route and the role are the cache's own.
type key struct {
	text, settings, declared, typeList string
	standardConforming, prepare        bool
}

func keyOf(q Query) key {
	declared := make([]byte, 0, 4*len(q.Declared))
	for _, oid := range q.Declared {
		declared = binary.BigEndian.AppendUint32(declared, oid)
	}
	return key{text: q.Text, settings: q.Settings, declared: string(declared), typeList: q.TypeList,
		standardConforming: q.StandardConforming, prepare: q.Prepare}
}

// clone keeps the key from holding on to the message that it came in.
func (k key) clone() key {
	k.text, k.settings, k.typeList = strings.Clone(k.text), strings.Clone(k.settings), strings.Clone(k.typeList)
	return k
}

// cache keeps descriptions, least recently used out first. Safe for concurrent use.
type cache struct {
	ttl     time.Duration
	bytes   int64
	metrics metrics

	mu      sync.Mutex
	entries map[key]*list.Element // of *entry
	recent  *list.List            // the one used last in front
	used    int64                 // bytes of all entries
	flights map[key]*flight       // questions under way whose answer is still wanted
}

type entry struct {
	key   key
	d     *Description
	until time.Time
	bytes int64
}

// flight is a question under way. It is out of cache.flights once its answer is not to be kept.
type flight struct {
	done chan struct{} // closed when d is set
	d    *Description  // nil: it failed
}

func newCache(o Options, m metrics) *cache {
	c := &cache{ttl: o.TTL, bytes: o.Bytes, metrics: m, entries: map[key]*list.Element{}, recent: list.New(), flights: map[key]*flight{}}
	if c.ttl <= 0 {
		c.ttl = defaultTTL
	}
	if c.bytes <= 0 {
		c.bytes = defaultBytes
	}
	return c
}

// get gives the description under k, or has ask find it. One caller asks while the others wait; if it fails, each of them asks
// for itself: it may have failed for its token or because its client went away.
func (c *cache) get(ctx context.Context, k key, ask func() (*Description, error)) (*Description, error) {
	c.mu.Lock()
	if d := c.lookup(k); d != nil {
		c.mu.Unlock()
		c.metrics.hit.Inc()
		return d, nil
	}
	f := c.flights[k]
	if f == nil {
		k = k.clone()
		f = &flight{done: make(chan struct{})}
		c.flights[k] = f
		c.mu.Unlock()
		c.metrics.miss.Inc()
		return c.lead(k, f, ask)
	}
	c.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if f.d != nil {
		c.metrics.shared.Inc()
		return f.d, nil
	}
	c.metrics.miss.Inc()
	return ask()
}

// lead asks for everybody and keeps the answer, unless it was forgotten meanwhile.
func (c *cache) lead(k key, f *flight, ask func() (*Description, error)) (d *Description, err error) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if d != nil && err == nil {
			f.d = d
		}
		close(f.done)
		if c.flights[k] == f {
			delete(c.flights, k)
			if f.d != nil && f.d.Err == nil {
				c.store(k, f.d)
			}
		}
	}()
	return ask()
}

// lookup returns the entry under k that still holds, nil if there is none. c.mu is held.
func (c *cache) lookup(k key) *Description {
	e, ok := c.entries[k]
	if !ok {
		return nil
	}
	if found := e.Value.(*entry); time.Now().Before(found.until) {
		c.recent.MoveToFront(e)
		return found.d
	}
	c.remove(e)
	return nil
}

func (c *cache) store(k key, d *Description) {
	if e, ok := c.entries[k]; ok {
		c.remove(e)
	}
	n := &entry{key: k, d: d, until: time.Now().Add(c.ttl), bytes: size(k, d)}
	if n.bytes > c.bytes {
		return
	}
	for c.used+n.bytes > c.bytes {
		c.remove(c.recent.Back())
	}
	c.entries[k] = c.recent.PushFront(n)
	c.used += n.bytes
	c.metrics.bytes.Set(float64(c.used))
}

func (c *cache) remove(e *list.Element) {
	old := c.recent.Remove(e).(*entry)
	delete(c.entries, old.key)
	c.used -= old.bytes
	c.metrics.bytes.Set(float64(c.used))
}

func (c *cache) evict(k key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, k)
	if e, ok := c.entries[k]; ok {
		c.remove(e)
	}
}

func (c *cache) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.flights)
	clear(c.entries)
	c.recent.Init()
	c.used = 0
	c.metrics.bytes.Set(0)
}

// size is the memory that an entry takes.
func size(k key, d *Description) int64 {
	n := overhead + len(k.text) + len(k.settings) + len(k.declared) + len(k.typeList) + 4*cap(d.Params)
	for _, f := range d.Fields {
		n += int(unsafe.Sizeof(f)) + len(f.Name)
	}
	return int64(n)
}
