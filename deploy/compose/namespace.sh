#!/bin/sh
# Makes the namespace, or sets how long it keeps closed runs. Can be repeated.
set -eu
until temporal operator cluster health >/dev/null 2>&1; do sleep 1; done
temporal operator namespace describe -n default >/dev/null 2>&1 \
    || temporal operator namespace create -n default --retention "$RETENTION"
temporal operator namespace update -n default --retention "$RETENTION"
