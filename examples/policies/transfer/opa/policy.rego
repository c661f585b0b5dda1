# Asked by mesh-runtime for envoy/authz/allow: the input of OPA's Envoy plugin, and input.context.
package envoy.authz

default allow := false

allow if {
	input.attributes.source.principal == "spiffe://example.org/ns/shop/sa/svc-payment"
	input.attributes.request.http.path == "/api/v1/transfer"

	# Undefined, and so refused, while the score is unknown or stale.
	input.context.risk_score < 0.3
	input.context.tls.mutual_auth == true
}

allow if {
	input.attributes.request.http.path == "/api/v1/list"
	input.attributes.source.principal in data.roles.auditor
}
