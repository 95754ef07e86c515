package jwkstest

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"hash"
)

// Forgery is a token that Cognito would not issue. It begins as Mint's and is changed on the way; a nil step changes nothing.
type Forgery struct {
	MintOptions
	HeaderText  func(header []byte) []byte                     // rewrites the header's JSON text
	PayloadText func(payload []byte) []byte                    // rewrites the payload's JSON text
	Sign        func(signed []byte) []byte                     // instead of RS256 with the key
	Assemble    func(header, payload, signature string) string // instead of three parts joined by dots
}

// Forge returns the token. It panics on what JSON cannot say: forgeries are written by tests.
func (i *Issuer) Forge(f Forgery) string {
	header, claims, key, err := i.prepare(f.MintOptions)
	if err != nil {
		panic(err)
	}
	headerText, payload := text(header), text(claims)
	if f.HeaderText != nil {
		headerText = f.HeaderText(headerText)
	}
	if f.PayloadText != nil {
		payload = f.PayloadText(payload)
	}
	var signature []byte
	if f.Sign != nil {
		signature = f.Sign([]byte(base64url(headerText) + "." + base64url(payload)))
	} else if signature, err = sign([]byte(base64url(headerText)+"."+base64url(payload)), key.Private); err != nil {
		panic(err)
	}
	if f.Assemble == nil {
		f.Assemble = func(header, payload, signature string) string { return header + "." + payload + "." + signature }
	}
	return f.Assemble(base64url(headerText), base64url(payload), base64url(signature))
}

func text(object map[string]any) []byte {
	data, err := json.Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("jwkstest: a forgery that JSON cannot say: %v", err))
	}
	return data
}

// HMAC signs with a symmetric key: the confusion of algorithms, where key is some writing of the public key.
func HMAC(h func() hash.Hash, key []byte) func([]byte) []byte {
	return func(signed []byte) []byte {
		mac := hmac.New(h, key)
		mac.Write(signed)
		return mac.Sum(nil)
	}
}

// Signature always gives these bytes.
func Signature(signature []byte) func([]byte) []byte {
	return func([]byte) []byte { return signature }
}
