#!/bin/sh
# Makes the secrets that compose.yaml names, once; what is there stays.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
for name in postgresql_password temporal_password holdfast_password grafana_password; do
    [ -s "secrets/$name" ] || head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' > "secrets/$name"
done
[ -s secrets/holdfast_database_url ] || printf 'postgresql://holdfast:%s@postgresql/holdfast' \
    "$(cat secrets/holdfast_password)" > secrets/holdfast_database_url
# Read inside the containers by users of theirs.
chmod 755 secrets
chmod 444 secrets/*
echo "secrets are in $(pwd)/secrets; keep that folder out of backups that others read"
