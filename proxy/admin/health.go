package admin

import (
	"io"
	"net/http"
	"strings"
)

// maxReason bounds the reason in a probe's answer, in bytes.
const maxReason = 200

// answer writes 200 "ok", or 503 with the reason in one line.
func answer(w http.ResponseWriter, reason error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if reason == nil {
		_, _ = io.WriteString(w, "ok\n") // a client that is gone needs no answer
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, oneLine(reason.Error())+"\n")
}

// oneLine returns text in one bounded line.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "..."
	}
	return text
}
