#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every reason that a client, a backend or the host can give, given. A client that does wrong does
# so in both versions, against a ktlsd that decrypts itself and one whose kernel does, and is told
# by the right alert.

load lib
load evil

# shellcheck disable=SC2034 # for evil.bash
PORTS=(user=4001 kernel=4002 hasty=4003 idle=4004 stall=4005 one=4006 refused=4010 absent=4011
	full=4012 reset=4013 mute=4014 cut=4015 end-user=4016 end-kernel=4017)

setup_file() {
	suite_begin
	backend_start "http=tcp:$IP:3000" "full=tcp:$IP:3001" "reset=tcp:$IP:3002" \
		"mute=tcp:$IP:3003" "cut=tcp:$IP:3004" "end=tcp:$IP:3005" "reset=unix:$T/reset.sock"
	config
	daemon_start
}

teardown_file() {
	suite_end
}

config() { # [LINE]...
	local http=tcp:$IP:3000
	config_begin "workers: 1" "$@"
	listener user "$http" "ktls: {tx: off, rx: off}"
	listener kernel "$http" "ktls: {tx: on, rx: on}"
	listener hasty "$http" "timeouts: {handshake: 1s}"
	listener idle "$http" "timeouts: {idle: 1s}"
	listener stall "$http" "timeouts: {stall: 1s}"
	listener one "$http" "versions: [1.3]" "ciphers: [TLS_AES_128_GCM_SHA256]"
	listener refused "tcp:$IP:1"
	listener absent "unix:$T/absent.sock"
	listener full "tcp:$IP:3001" "timeouts: {connect: 1s}"
	listener reset "tcp:$IP:3002"
	listener mute "tcp:$IP:3003" "timeouts: {stall: 1s}"
	listener cut "tcp:$IP:3004"
	listener end-user "tcp:$IP:3005" "ktls: {tx: off, rx: off}"
	listener end-kernel "tcp:$IP:3005" "ktls: {tx: on, rx: on}"
}

listener() { # NAME BACKEND LINE...
	port "$1"
	config_listener "$1" "$PORT" "${@:2}"
}

# ---- before the handshake ----

@test "plain HTTP and garbage are no TLS" {
	client user 'text=GET / HTTP/1.1\r\nHost: x\r\n\r\n' read
	expect_end reason=not-tls
	client user hex=0102030405060708090a read
	expect_end reason=not-tls
	client user hex=80 read # an SSL 2 ClientHello
	expect_end reason=not-tls
	client user hex=1603010005020000010000 read # a ServerHello
	expect_end reason=not-tls
}

@test "no ClientHello in time" {
	client hasty read
	expect_end reason=hello-timeout
	client hasty part=3 read
	expect_end reason=hello-timeout
	client hasty part=60 read
	expect_end reason=hello-timeout
}

@test "no Finished in time" {
	client hasty hello read
	expect_end reason=handshake-timeout
	client hasty -v 1.2 hello read
	expect_end reason=handshake-timeout
}

@test "gone before and in the middle of the handshake" {
	client user fin read
	expect_end reason=handshake-closed
	client user part=60 fin read
	expect_end reason=handshake-closed
	client user hello fin read
	expect_end reason=handshake-closed
	client user -v 1.2 hello fin read
	expect_end reason=handshake-closed
	client user part=60 reset
	expect_end reason=peer-reset
}

@test "no common version, cipher or group: the handshake fails with its alert" {
	client user -v 1.1 handshake
	grep -qx 'alert 2 70' "$T/seen"
	expect_end reason=handshake-failed alert_sent=70
	client one -v 1.2 handshake
	grep -qx 'alert 2 70' "$T/seen"
	expect_end reason=handshake-failed alert_sent=70
	client one -c TLS_AES_256_GCM_SHA384 handshake
	grep -qx 'alert 2 40' "$T/seen"
	expect_end reason=handshake-failed alert_sent=40
	# wolfSSL asks for a group that the client has not offered, and is told so
	client user -g P-521 handshake
	expect_end reason=handshake-failed alert_received=47
}

@test "a client that does not trust the certificate says so" {
	port user
	log_mark
	run -60 curl --silent --max-time 20 "https://$IP:$PORT/"
	expect_end reason=handshake-failed alert_received=48
}

@test "a message out of order in the handshake" {
	client user hello hex=160303000400000000 read
	expect_end reason=handshake-failed
	client user hello hex=170303000400000000 read
	expect_end reason=handshake-failed
}

# ---- records ----

bad_mac() { # LAYER VERSION
	client "$1" -v "$2" handshake patch=-4:00000000 read &&
		expect_seen "alert 2 20" eof && expect_end reason=bad-record-mac "rx=$1" alert_sent=20
}

bad_mac_after_data() { # LAYER VERSION
	client "$1" -v "$2" handshake get=5 read=5 patch=-4:00000000 read &&
		[[ $(tail -n 2 "$T/seen") == "alert 2 20"$'\n'eof ]] &&
		expect_end reason=bad-record-mac "rx=$1" alert_sent=20
}

@test "a record that does not decrypt" {
	each bad_mac
	each bad_mac_after_data
}

bad_version() { # LAYER VERSION
	client "$1" -v "$2" handshake patch=1:0505 read &&
		expect_seen "alert 2 10" eof && expect_end reason=bad-record-header "rx=$1" alert_sent=10
}

plain_http() { # LAYER VERSION
	client "$1" -v "$2" handshake 'text=GET / HTTP/1.1\r\n\r\n' read &&
		grep -qxE 'eof|reset' "$T/seen" && expect_end reason=bad-record-header "rx=$1"
}

@test "a record with a wrong header" {
	each bad_version
	each plain_http
}

too_long() { # LAYER VERSION
	client "$1" -v "$2" handshake "hex=1703034801$(printf %048d 0)" read &&
		expect_seen "alert 2 22" eof && expect_end reason=record-overflow "rx=$1" alert_sent=22
}

@test "a record that is longer than TLS allows" {
	each too_long
}

unexpected() { # LAYER VERSION TYPE:HEX [ALERT]
	client "$1" -v "$2" handshake "record=$3" read &&
		expect_seen "alert 2 ${4-10}" eof &&
		expect_end reason=unexpected-message "rx=$1" "alert_sent=${4-10}"
}

heartbeat() {
	unexpected "$1" "$2" 24:010000
}

unknown_type() {
	unexpected "$1" "$2" 99:01
}

finished_again() {
	unexpected "$1" "$2" 22:1400000c000102030405060708090a0b
}

empty_handshake() {
	unexpected "$1" "$2" 22:
}

empty_alert() {
	unexpected "$1" "$2" 21:
}

@test "a record or message that has no place" {
	each heartbeat
	each unknown_type
	each finished_again
	each empty_handshake
	each empty_alert
}

long_alert() {
	unexpected "$1" "$2" 21:010000 50
}

@test "an alert that is none" {
	each long_alert
}

half_record() { # LAYER VERSION
	client "$1" -v "$2" handshake cut=40 fin read && expect_end reason=truncated-record "rx=$1"
}

half_header() { # LAYER VERSION
	client "$1" -v "$2" handshake cut=3 fin read && expect_end reason=truncated-record "rx=$1"
}

@test "the end in the middle of a record" {
	each half_record
	each half_header
}

no_goodbye() { # LAYER VERSION
	client "$1" -v "$2" handshake get=70000 read=70000 fin read &&
		[[ $(tail -n 2 "$T/seen") == "alert 1 0"$'\n'eof ]] && expect_end reason=truncated "rx=$1"
}

@test "the end without close_notify" {
	each no_goodbye
}

goodbye() { # LAYER VERSION
	client "$1" -v "$2" handshake get=70000 record=21:0100 read &&
		[[ $(tail -n 2 "$T/seen") == "alert 1 0"$'\n'eof ]] && grep -q '^data 70' "$T/seen" &&
		expect_end reason=closed "rx=$1" "tx=$1"
}

@test "close_notify while the answer is on its way: it still comes, whole" {
	each goodbye
}

fatal_alert() { # LAYER VERSION
	client "$1" -v "$2" handshake record=21:0228 read &&
		expect_seen eof && expect_end reason=peer-alert "rx=$1" alert_received=40
}

@test "a fatal alert of the client" {
	each fatal_alert
}

warning() { # LAYER VERSION
	client "$1" -v "$2" handshake record=21:015a get=5 read=5 record=21:0100 read &&
		expect_end reason=closed "rx=$1"
}

@test "user_canceled is no end" {
	each warning
}

reset() { # LAYER VERSION
	client "$1" -v "$2" handshake get=5 read=5 reset && expect_end reason=peer-reset "rx=$1"
}

@test "a reset" {
	each reset
}

# ---- renegotiation and key updates ----

@test "renegotiation of TLS 1.2 is refused with its alert" {
	local layer
	for layer in $(layers); do
		client "$layer" -v 1.2 handshake record=22:010000020303 read
		expect_seen "alert 1 100" eof
		expect_end reason=renegotiation "rx=$layer" alert_sent=100
	done
}

follows_update() { # LAYER
	expect_rekey || [[ $1 == user ]]
}

@test "the client's key updates are followed, and answered when it asks" {
	local layer
	for layer in $(layers); do
		follows_update "$layer" || continue
		client "$layer" handshake get=5 read=43 update=0 get=5 read=43 update=1 get=5 read=43 \
			update=1 get=5 read=43 record=21:0100 read
		cat "$T/seen"
		[[ $(grep -c '^data 43 ' "$T/seen") == 4 && $(grep -c '^update$' "$T/seen") == 2 ]]
		[[ $(sort -u "$T/seen" | grep -c '^data ') == 1 ]]
		expect_end reason=closed "rx=$layer"
	done
}

rekeys_are() { # NUMBER
	counters_read
	((${COUNT[rekeys_rx]} + ${COUNT[rekeys_tx]} == $1))
}

is_open_on() { # LISTENER
	ctl list --own --json | grep -q "\"listener\":\"$1\",\"state\":\"open\""
}

# A real client updates its keys when it reads this command, then sends a request.
real_update() { # LAYER COMMAND CLIENT...
	local in
	counters_read
	rm -f "$T/in"
	mkfifo "$T/in"
	SPAWN_INPUT=$T/in spawn real "${@:3}"
	exec {in}>"$T/in"
	wait_until 30 is_open_on "$1"
	echo "$2" >&"$in"
	# both directions
	wait_until 20 rekeys_are $((${COUNT[rekeys_rx]} + ${COUNT[rekeys_tx]} + 2))
	printf 'GET /5 HTTP/1.1\r\nHost: test\r\n\r\n' >&"$in"
	wait_log real '^Content-Length: 5'
	exec {in}>&-
	stop real
}

@test "key updates of OpenSSL and GnuTLS are followed and answered" {
	local layer
	for layer in $(layers); do
		follows_update "$layer" || continue
		port "$layer"
		real_update "$layer" K openssl s_client -connect "$IP:$PORT" -servername ecdsa.test \
			-tls1_3 -CAfile "$T/ca.pem"
		real_update "$layer" ^rekey^ gnutls-cli --inline-commands --port "$PORT" \
			--priority NORMAL:-VERS-ALL:+VERS-TLS1.3 --x509cafile "$T/ca.pem" \
			--sni-hostname ecdsa.test --verify-hostname ecdsa.test "$IP"
	done
}

@test "on a kernel that cannot follow, what was accepted is sent, then close_notify" {
	local update
	expect_ktls && ! expect_rekey || skip "this kernel follows key updates, or has no TLS"
	for update in 0 1; do
		client kernel handshake get=100000 "update=$update" read
		[[ $(tail -n 2 "$T/seen") == "alert 1 0"$'\n'eof ]]
		expect_end reason=rekey-unanswerable rx=kernel alert_sent=0
	done
}

@test "a storm of key updates is stopped" {
	local layer
	local -a storm
	mapfile -t storm < <(yes update=0 | head -n 100)
	for layer in $(layers); do
		follows_update "$layer" || continue
		client "$layer" handshake "${storm[@]}" read
		grep -qx 'alert 2 10' "$T/seen" || grep -qx reset "$T/seen"
		expect_end reason=key-update-flood "rx=$layer"
	done
}

broken_update() { # LAYER
	client "$1" handshake record=22:1800000102 read
	expect_seen "alert 2 50" eof
	expect_end reason=unexpected-message "rx=$1"
}

@test "a key update that is none" {
	local layer
	for layer in $(layers); do
		broken_update "$layer"
	done
}

# ---- silence ----

@test "silence ends an idle connection with close_notify" {
	client idle handshake read
	expect_seen "alert 1 0" eof
	expect_end reason=idle-timeout alert_sent=0
	client idle -v 1.2 handshake get=5 read=43 read
	expect_end reason=idle-timeout alert_sent=0
}

@test "a client that takes none of what waits for it" {
	local version
	for version in 1.2 1.3; do
		port stall
		log_mark
		spawn stalled "$HELPERS/evil" -v "$version" "$IP" "$PORT" handshake get=67108864 hold
		expect_end reason=stalled
		stop stalled
	done
}

# ---- the backend ----

@test "a backend that is not there" {
	client refused handshake read
	expect_seen "alert 2 80" eof
	expect_end reason=backend-refused errno=ECONNREFUSED
	client absent handshake read
	expect_seen "alert 2 80" eof
	expect_end reason=backend-refused errno=ENOENT
}

@test "a backend that does not accept" {
	port full
	# its queue has room for one, or two
	spawn first "$HELPERS/evil" "$IP" "$PORT" handshake ready hold
	spawn second "$HELPERS/evil" "$IP" "$PORT" handshake ready hold
	wait_log first READY
	wait_log second READY
	client full handshake read
	expect_end reason=backend-timeout alert_sent=80
	expect_seen "alert 2 80" eof
	stop first
	stop second
}

@test "a backend that resets" {
	client reset handshake data=100 read
	expect_seen "alert 2 80" eof
	expect_end reason=backend-reset alert_sent=80
}

# The reset is told once, and to the upload: the answer must not look whole.
@test "a backend that resets in the middle of its answer, while the client sends" {
	client cut handshake data=33554432 read
	[[ $(<"$T/seen") != *"alert 1 0"* ]]
	expect_end reason=backend-reset
}

ends_seen() {
	grep -E '^(fin|reset) ' "$T/backend.log" || true
}

has_seen_ends() { # NUMBER
	(($(ends_seen | wc -l) >= $1))
}

backend_sees() { # END STEP...
	local before
	before=$(ends_seen | wc -l)
	client "end-$LAYER" handshake data=5000 read=1 "${@:2}"
	wait_until 20 has_seen_ends "$((before + 1))"
	[[ $(ends_seen | tail -n 1) == "$1 "* ]]
}

# A FIN would tell it that the client has sent all.
@test "what a client has not finished is no end to the backend" {
	local LAYER
	for LAYER in user kernel; do
		backend_sees fin record=21:0100 read
		backend_sees reset reset
		backend_sees reset cut=40 fin read
		backend_sees reset patch=-1:00 read
		backend_sees reset record=21:0228 read
	done
}

@test "a backend that takes none of what the client sends" {
	port mute
	log_mark
	spawn sender "$HELPERS/evil" "$IP" "$PORT" handshake data=67108864 read
	expect_end reason=backend-stalled
	stop sender
}

# ---- the host ----

# Starts another ktlsd in the place of the first.
restart() { # [WRAPPER...]
	stop ktlsd
	daemon_start "$@"
}

@test "a security policy refuses TCP_ULP" {
	restart "$HELPERS/deny_ulp"
	client kernel handshake get=5 read=43 record=21:0100 read
	expect_end reason=closed tx=user rx=user tx_fallback=ktls-ulp-refused rx_fallback=ktls-ulp-refused
	restart
}

ccm_is_unloaded() {
	modprobe -r ccm 2>/dev/null
	! grep -q '^ccm ' /proc/modules
}

# While COMMAND runs the kernel has no driver for CCM and cannot load it. What COMMAND fails at must
# be its result: nothing in it ends the test by itself.
without_ccm() { # COMMAND...
	local modprobe status=0
	read -r modprobe </proc/sys/kernel/modprobe
	wait_until 20 ccm_is_unloaded
	echo /bin/false >/proc/sys/kernel/modprobe
	"$@" || status=$?
	echo "$modprobe" >/proc/sys/kernel/modprobe
	modprobe ccm
	return "$status"
}

# One exchange with CCM; the connection's end is described by these words.
expect_ccm() { # WORD...
	client kernel -c TLS_AES_128_CCM_SHA256 handshake get=5 read=43 record=21:0100 read &&
		expect_end reason=closed "$@"
}

expect_ccm_restarted() { # WORD...
	restart && expect_ccm "$@" &&
		client kernel handshake get=5 read=43 record=21:0100 read &&
		expect_end reason=closed tx=kernel rx=kernel
}

@test "the kernel loses a cipher after the probe, and has none at the probe" {
	expect_ktls || skip "this kernel has no TLS"
	without_ccm expect_ccm tx=user tx_fallback=ktls-install rx=user rx_fallback=ktls-install
	without_ccm expect_ccm_restarted tx=user tx_fallback=ktls-cipher rx=user \
		rx_fallback=ktls-cipher
	restart
	expect_ccm tx=kernel rx=kernel
}

@test "without a kernel that knows TLS every direction says so" {
	expect_ktls && skip "this kernel has TLS"
	client kernel handshake get=5 read=43 record=21:0100 read
	expect_end reason=closed tx=user rx=user tx_fallback=ktls-no-ulp rx_fallback=ktls-no-ulp
}

@test "without a free pipe bytes are copied, and it is said" {
	expect_ktls || skip "user space needs no pipe"
	config "limits: {pipes: 0}"
	restart
	client kernel handshake get=100000 read=100043 record=21:0100 read
	expect_end reason=closed tx=kernel rx=kernel
	log_has ktlsd 'reason=no-pipe'
	counters_read
	[[ ${COUNT[pipe_pool_empty]} != 0 && ${COUNT[spliced_bytes]} == 0 ]]
	config
	restart
}
