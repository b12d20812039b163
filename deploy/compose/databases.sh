#!/bin/bash
# Runs once, in an empty PostgreSQL: a user and databases for each program.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
    -v temporal="$(cat /run/secrets/temporal_password)" \
    -v holdfast="$(cat /run/secrets/holdfast_password)" <<'SQL'
CREATE USER temporal PASSWORD :'temporal';
CREATE USER holdfast PASSWORD :'holdfast';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE holdfast OWNER holdfast;
SQL
