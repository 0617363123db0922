#!/bin/sh
# Makes the secrets that compose.yaml reads, and with SMTP_URI those of compose.identity.yaml, once;
# what is there already stays. They are yours alone: the containers that read them run as the user
# who called this (deploy/.env).
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0700 secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# 32 bytes in URL-safe base64, as Fernet wants them.
fernet() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }
secret() { [ -s "secrets/$1" ] || "$2" > "secrets/$1"; }

secret postgres_password random
secret hashgauge_internal_api_key random
secret hashgauge_sealing_keys fernet
secret grafana_admin_password random

# A role of the database for each kind of process (deploy/sql/grants.sql says what each may do).
for role in admin owner api aggregator notifier; do
    user=hashgauge_$role
    password=$(random)
    if [ "$role" = admin ]; then
        user=postgres
        password=$(cat secrets/postgres_password)
    fi
    [ -s "secrets/database_url_$role" ] || printf 'postgresql://%s:%s@timescaledb:5432/hashgauge' \
        "$user" "$password" > "secrets/database_url_$role"
done

# Sign-in (compose.identity.yaml) needs to know the mail server that Kratos sends its codes by.
if [ -n "${SMTP_URI:-}" ] && ! [ -s secrets/kratos.json ]; then
    [ -s secrets/kratos_password ] || random > secrets/kratos_password
    random > secrets/hashgauge_api__people__invitations__secret
    cat > secrets/kratos.json <<END
{
  "dsn": "postgres://kratos:$(cat secrets/kratos_password)@identities:5432/kratos?sslmode=disable",
  "secrets": { "cookie": ["$(random)"], "cipher": ["$(random | cut -c1-32)"] },
  "courier": { "smtp": { "connection_uri": "$SMTP_URI" } }
}
END
fi

chmod 0600 secrets/*
[ -s .env ] || printf 'RUN_AS_UID=%s\nRUN_AS_GID=%s\n' "$(id -u)" "$(id -g)" > .env
echo "secrets are in $(pwd)/secrets"
