#!/bin/sh
# Signs a file and delivers it, as a sender of webhooks does:
#   deliver.sh http://127.0.0.1:8080/v1/webhooks/letters FILE [DELIVERY]
# The secret is in LETTERS_SECRET: whsec_ and the base64 of random bytes.
set -eu
address=$1 file=$2 delivery=${3:-msg_$(openssl rand -hex 8)}
moment=$(date +%s)
key=$(printf %s "${LETTERS_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$({ printf '%s.%s.' "$delivery" "$moment"; cat "$file"; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
curl -sS "$address" --data-binary "@$file" \
    -H "webhook-id: $delivery" -H "webhook-timestamp: $moment" \
    -H "webhook-signature: v1,$signature" -H 'Content-Type: application/json'
echo
