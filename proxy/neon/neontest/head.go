package neontest

import "net/http"

// What the head of a request may hold in Neon's HTTP library. The size is about this: it depends on how the bytes come.
const (
	maxTarget      = 1<<16 - 2
	maxHeaderLines = 100
	maxHead        = 500_000
)

// refuseHead answers a request whose head is too much, before anything looks at it, and closes the connection.
func (s *Server) refuseHead(w http.ResponseWriter, r *http.Request) (refused bool) {
	if r.ProtoMajor != 1 {
		return false
	}
	lines, size := 1, len(r.Host) // the Host line is not in the header
	for name, values := range r.Header {
		lines += len(values)
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	status := http.StatusRequestHeaderFieldsTooLarge
	if lines <= maxHeaderLines && size <= maxHead {
		if len(r.RequestURI) <= maxTarget {
			return false
		}
		status = http.StatusRequestURITooLong
	}
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
	return true
}
