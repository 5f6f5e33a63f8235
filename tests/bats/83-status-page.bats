#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# By which names a browser gets the status page's figures.

load lib

setup_file() {
	suite_begin --no-certificates
}

teardown_file() {
	suite_end
}

# Sets STATUS to that of a path asked for as HOST.
status_as() { # HOST PATH
	STATUS=$(curl -sS --max-time 30 -o "$T/body" -w '%{http_code}' -H "Host: $1" "http://$IP:9464$2")
}

serve() { # ADDRESS
	config_begin "metrics: $1"
	daemon_start
}

teardown() {
	stop ktlsd
}

@test "at a loopback address the figures are for who asks by address, as localhost or as configured" {
	local host
	serve "$IP:9464"
	for host in "$IP:9464" '[::1]:9464' localhost localhost:9464 a.localhost; do
		status_as "$host" /status.json
		[[ $STATUS == 200 ]]
		jq -e .status.pid "$T/body"
	done
	# a page of evil.example, whose name resolves to this host by now
	for host in evil.example:9464 127.0.0.1.evil.example localhost.evil.example; do
		status_as "$host" /status.json
		[[ $STATUS == 400 ]]
		grep -q 'ask for it by address' "$T/body"
	done
}

@test "scrapes and probes come by any name" {
	local path
	serve "$IP:9464"
	for path in / /metrics /healthz /readyz; do
		status_as ktlsd.monitoring.svc:9464 "$path"
		[[ $STATUS == 200 ]]
	done
}

@test "over a unix socket, which no browser reaches, every name is right" {
	serve "unix:$T/run/metrics.sock"
	curl -sSf --max-time 30 --unix-socket "$T/run/metrics.sock" http://x/status.json | jq -e .status.pid
}
