// Package assembly is a configuration, running: it makes the verifier, a client per route, the server and its listeners,
// and the operators' listener, starts them as one and ends them in order. The serve command and the dev stack both stand on
// it, so that what is tested is what is served.
//
// It stands right below cmd and may import everything but devstack and proxytest. Start with [Start].
package assembly
