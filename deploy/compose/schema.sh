#!/bin/sh
# Brings Temporal's own tables up to its version; both steps can be repeated.
set -eu
export SQL_PLUGIN=postgres12 SQL_HOST="$POSTGRES_SEEDS" SQL_PORT="$DB_PORT" SQL_USER="$POSTGRES_USER"
SQL_PASSWORD="$(cat /run/secrets/temporal_password)"
export SQL_PASSWORD
schema=/etc/temporal/schema/postgresql/v12
for each in temporal temporal_visibility; do
    folder="$schema/${each#temporal_}/versioned"
    SQL_DATABASE="$each" temporal-sql-tool setup-schema -v 0.0
    SQL_DATABASE="$each" temporal-sql-tool update-schema -d "$folder"
done
