package proxy

import (
	"net/netip"
	"sync"
	"time"
)

// Limits bounds what clients can make the proxy hold. Zero of a number means no limit of that kind.
type Limits struct {
	Connections          int // open at once, those that are being logged in included
	PerIP                int // the same, of one client address (IPv6: of one /64)
	Unauthenticated      int // not logged in yet
	UnauthenticatedPerIP int

	Message int // bytes of one message that carries data, see wire.Limits
	Small   int // bytes of one of any other type
}

// maxRefusing bounds the connections over a limit that are still read up to their startup packet, so that the client
// learns why it is refused (libpq shows nothing of an error that comes before TLS). Those beyond it are closed at once.
const maxRefusing = 64

// refusingTimeout is the login deadline of those, if it is not shorter anyhow.
const refusingTimeout = 5 * time.Second

// refusal says which limit stands against a connection.
type refusal string

const (
	admitted                refusal = ""
	overTotal               refusal = "max_total"
	overIP                  refusal = "max_ip"
	overUnauthenticated     refusal = "max_unauthenticated"
	overUnauthenticatedByIP refusal = "max_unauthenticated_ip"
)

// limiter counts connections. It is safe for concurrent use.
type limiter struct {
	limits Limits

	mu       sync.Mutex
	total    int
	pending  int // not authenticated
	refusing int
	byIP     map[netip.Prefix]*counts // no entry for an address without connections, so bounded by total
}

type counts struct{ total, pending int }

func newLimiter(l Limits) *limiter {
	return &limiter{limits: l, byIP: make(map[netip.Prefix]*counts)}
}

// admit takes the slots of one connection from ip; an invalid one (Unix sockets) counts for no address. With a refusal the
// lease is one to be refused on, or nil if there are too many of those already.
func (l *limiter) admit(ip netip.Addr) (*lease, refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := clientNet(ip)
	why := l.check(from)
	if why != admitted {
		if l.refusing >= maxRefusing {
			return nil, why
		}
		l.refusing++
		return &lease{limiter: l, refused: true}, why
	}
	l.total++
	l.pending++
	if from.IsValid() {
		c := l.byIP[from]
		if c == nil {
			c = &counts{}
			l.byIP[from] = c
		}
		c.total++
		c.pending++
	}
	return &lease{limiter: l, from: from, pending: true}, admitted
}

func (l *limiter) check(from netip.Prefix) refusal {
	over := func(n, limit int) bool { return limit > 0 && n >= limit }
	switch {
	case over(l.total, l.limits.Connections):
		return overTotal
	case over(l.pending, l.limits.Unauthenticated):
		return overUnauthenticated
	}
	c := l.byIP[from]
	switch {
	case c == nil:
		return admitted
	case over(c.total, l.limits.PerIP):
		return overIP
	case over(c.pending, l.limits.UnauthenticatedPerIP):
		return overUnauthenticatedByIP
	}
	return admitted
}

// lease is the slots that one connection holds. Its methods may be called any number of times: each slot goes back once.
type lease struct {
	limiter *limiter
	from    netip.Prefix
	refused bool

	// Guarded by limiter.mu.
	pending  bool
	released bool
}

// authenticated gives the slot of the logins back.
func (s *lease) authenticated() {
	s.limiter.mu.Lock()
	defer s.limiter.mu.Unlock()
	s.settle()
}

// release gives all slots back.
func (s *lease) release() {
	l := s.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.released {
		return
	}
	s.released = true
	if s.refused {
		l.refusing--
		return
	}
	s.settle()
	l.total--
	if c := l.byIP[s.from]; c != nil {
		if c.total--; c.total == 0 {
			delete(l.byIP, s.from)
		}
	}
}

func (s *lease) settle() {
	if !s.pending {
		return
	}
	s.pending = false
	s.limiter.pending--
	if c := s.limiter.byIP[s.from]; c != nil {
		c.pending--
	}
}

// clientNet is what one client is counted by: its IPv4 address, or the /64 of an IPv6 one, which is what a single host
// can be given whole. It is invalid for an invalid address.
func clientNet(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return netip.Prefix{}
	}
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		panic("BUG: no prefix of a valid address: " + err.Error())
	}
	return p
}
