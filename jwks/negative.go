package jwks

import "time"

// negative remembers key ids that the issuer was asked for and does not know: the latest maxNegative, each for negativeTTL.
// Guarded by the cache's mutex.
type negative struct {
	until map[string]time.Time
	order [maxNegative]string // a ring: the oldest id makes room
	next  int
}

const (
	maxNegative = 1024
	negativeTTL = time.Minute
)

func (n *negative) has(id string, now time.Time) bool {
	until, there := n.until[id]
	return there && now.Before(until)
}

func (n *negative) add(id string, now time.Time) {
	if n.until == nil {
		n.until = make(map[string]time.Time)
	}
	if _, there := n.until[id]; !there {
		delete(n.until, n.order[n.next])
		n.order[n.next] = id
		n.next = (n.next + 1) % maxNegative
	}
	n.until[id] = now.Add(negativeTTL)
}
