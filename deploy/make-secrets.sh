#!/bin/sh
# Makes the secrets that compose.yaml reads, once; what is there already stays.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

[ -s secrets/postgres_password ] || random > secrets/postgres_password
[ -s secrets/database_url ] || printf 'postgresql://hashgauge:%s@timescaledb:5432/hashgauge' \
    "$(cat secrets/postgres_password)" > secrets/database_url
[ -s secrets/hashgauge_internal_api_key ] || random > secrets/hashgauge_internal_api_key
[ -s secrets/grafana_admin_password ] || random > secrets/grafana_admin_password

# The containers' users are not yours: they read the files as members of nobody's group.
chmod 0444 secrets/*
chmod 0711 secrets
echo "secrets are in $(pwd)/secrets"
