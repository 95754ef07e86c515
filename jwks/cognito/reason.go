package cognito

// Reason is why a token was refused: a closed vocabulary, fit for a metric's label.
type Reason string

const (
	Malformed       Reason = "malformed"        // not a compact JWS that has one meaning, or a claim of the wrong type
	TooLong         Reason = "too_long"         // over the limit; nothing was parsed
	Algorithm       Reason = "alg"              // anything but RS256
	KeyUnknown      Reason = "kid_unknown"      // the issuer publishes no such key
	Signature       Reason = "signature"        // the key did not sign this
	Issuer          Reason = "issuer"           // not an issuer of the configuration
	Expired         Reason = "expired"          // now is past exp
	NotYetValid     Reason = "not_yet_valid"    // nbf or iat lie ahead
	Lifetime        Reason = "lifetime"         // no exp, or a life longer than Cognito gives
	Subject         Reason = "subject"          // no usable sub, or a machine's where machines are not let in
	TokenUse        Reason = "token_use"        // id where access is wanted, or the reverse
	Client          Reason = "client_id"        // issued for another app client
	Group           Reason = "group"            // in none of the required groups
	Scope           Reason = "scope"            // lacks a required scope
	KeysUnavailable Reason = "jwks_unavailable" // the issuer's keys cannot be had now
	Timeout         Reason = "timeout"          // the caller's context ended first

	// These two are given by the proxy, from a Verifier's claims.
	Denylisted   Reason = "denylisted"
	UserMismatch Reason = "user_mismatch"
)

// Reasons returns the whole vocabulary, for metrics that want every label value from the start.
func Reasons() []Reason {
	return []Reason{Malformed, TooLong, Algorithm, KeyUnknown, Signature, Issuer, Expired, NotYetValid, Lifetime, Subject,
		TokenUse, Client, Group, Scope, KeysUnavailable, Timeout, Denylisted, UserMismatch}
}
