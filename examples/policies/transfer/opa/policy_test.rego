package envoy.authz_test

import data.envoy.authz

transfer(principal, path, context) := {
	"attributes": {
		"source": {"principal": principal},
		"request": {"http": {"method": "POST", "path": path}},
	},
	"context": context,
}

payment := "spiffe://example.org/ns/shop/sa/svc-payment"

calm := {"risk_score": 0.29, "tls": {"mutual_auth": true}}

test_payment_transfers_while_its_risk_is_low if {
	authz.allow with input as transfer(payment, "/api/v1/transfer", calm)
}

test_refused_at_the_limit if {
	not authz.allow with input as transfer(payment, "/api/v1/transfer", {"risk_score": 0.3, "tls": {"mutual_auth": true}})
}

test_refused_while_the_risk_is_unknown if {
	not authz.allow with input as transfer(payment, "/api/v1/transfer", {"tls": {"mutual_auth": true}})
}

test_refused_without_mutual_tls if {
	not authz.allow with input as transfer(payment, "/api/v1/transfer", {"risk_score": 0.1, "tls": {"mutual_auth": false}})
}

test_refused_for_another_caller if {
	not authz.allow with input as transfer("spiffe://example.org/ns/shop/sa/svc-payments", "/api/v1/transfer", calm)
}

test_refused_for_another_path if {
	not authz.allow with input as transfer(payment, "/api/v1/transfers", calm)
}

test_auditors_read if {
	authz.allow with input as transfer("spiffe://example.org/ns/audit/sa/ledger", "/api/v1/list", {})
		with data.roles as {"auditor": ["spiffe://example.org/ns/audit/sa/ledger"]}
}

test_others_do_not_read if {
	not authz.allow with input as transfer(payment, "/api/v1/list", calm)
		with data.roles as {"auditor": ["spiffe://example.org/ns/audit/sa/ledger"]}
}
