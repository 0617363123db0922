#!/bin/sh
# Installs what tests and benchmarks need of the machine itself, if it is missing: Java and Maven (a
# real Kafka), chromium (the dashboard), promtool (the alert rules), wrk (load on the API), PgBouncer.
# Debian with root; elsewhere it says what to install.
set -eu

missing=""
command -v java >/dev/null 2>&1 || missing="$missing openjdk-17-jre-headless"
command -v mvn >/dev/null 2>&1 || missing="$missing maven"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
command -v wrk >/dev/null 2>&1 || missing="$missing wrk"
[ -x /usr/sbin/pgbouncer ] || command -v pgbouncer >/dev/null 2>&1 || missing="$missing pgbouncer"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # Debian 13 has Java 21 only; Kafka runs on 17 and later.
    apt-get update -qq
    if ! apt-cache show openjdk-17-jre-headless >/dev/null 2>&1; then
        missing=$(echo "$missing" | sed 's/openjdk-17-jre-headless/default-jre-headless/')
    fi
    echo "installing:$missing"
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "missing on this machine:$missing" >&2
    echo "install them (the names are Debian's), or run 'make test-unit', which needs none" >&2
    exit 1
fi
