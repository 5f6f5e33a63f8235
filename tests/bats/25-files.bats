#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Files served over HTTP/1.1: every pair of (TLS version, cipher, directions in the kernel, client)
# by hash; ranges, statuses and paths; files that change under way, and clients that do wrong.
# MATRIX=full runs every cell.

load lib
load matrix
load evil

MATRIX_FACTORS+=([kernel]="tx both none" [backend]=files)
# shellcheck disable=SC2034 # for evil.bash
PORTS=(user=4301 kernel=4302 auto=4303 hasty=4304 idle=4305 stall=4306 small=4307 sys=4308 sysuser=4309
	zerocopy=4310)
PIECES=1048583
LONG=25165824 # more than all buffers on the way hold
SYS=/sys/devices/virtual/net/lo

setup_file() {
	local client
	suite_begin
	make_files
	for client in ${MATRIX_FACTORS[client]}; do
		matrix_sizes "$client"
		bodies "${SIZES[@]}" >"$T/expected-$client"
	done
	bodies "$MATRIX_LARGE" >"$T/expected-large"
	config
	cp "$T/ktlsd.yaml" "$T/good.yaml"
	daemon_start
}

teardown_file() {
	suite_end
}

# Length and SHA-256 of the files of these sizes, one behind the other.
bodies() { # SIZE...
	local size hash
	hash=$(for size; do "$HELPERS/pattern" body down "$size"; done | sha256sum)
	sum_of "$@"
	echo "$SUM ${hash%% *}"
}

make_files() {
	local size www=$T/www
	mkdir -p "$www/dir" "$www/bare"
	for size in "${MATRIX_SIZES[@]}" "$LONG" "$MATRIX_LARGE"; do
		"$HELPERS/pattern" body down "$size" >"$www/$size"
	done
	echo root >"$www/index.html"
	echo index >"$www/dir/index.html"
	echo text >"$www/dir/a b.txt"
	echo secret >"$T/secret"
	echo closed >"$www/closed"
	chmod 000 "$www/closed"
	ln -s ../secret "$www/out"
	ln -s "$T/secret" "$www/absolute"
	ln -s .. "$www/above"
	ln -s dir/index.html "$www/in"
	mkfifo "$www/pipe"
	chmod 755 "$www" "$www/dir" "$www/bare"
}

listener() { # NAME BACKEND LINE...
	port "$1"
	config_listener "$1" "$PORT" "${@:2}"
}

config() {
	local kernel files=files:$T/www on="ktls: {tx: on, rx: on}" off="ktls: {tx: off, rx: off}"
	config_begin "workers: 1"
	for kernel in ${MATRIX_FACTORS[kernel]}; do
		matrix_cell 1.3 gcm128 "$kernel" files
		config_listener "$LISTENER" "$PORT" "$files" "ktls: $POLICY"
	done
	listener user "$files" "$off"
	listener kernel "$files" "$on"
	listener auto "$files"
	listener hasty "$files" "timeouts: {request: 1s, drain: 1s}"
	listener idle "$files" "timeouts: {idle: 1s}"
	listener stall "$files" "timeouts: {stall: 1s}"
	listener small "$files, request-size: 512"
	listener sys "files:$SYS" "$on"
	listener sysuser "files:$SYS" "$off"
	listener zerocopy "$files, zerocopy: on" "$on"
}

# curl to a listener; URL is its address.
get() { # LISTENER ARGUMENT...
	port "$1"
	URL=https://ecdsa.test:$PORT
	curl --silent --show-error --max-time 60 --cacert "$T/ca.pem" --http1.1 --path-as-is \
		--resolve "ecdsa.test:$PORT:$IP" "${@:2}"
}

url() { # LISTENER PATH
	port "$1"
	echo "https://ecdsa.test:$PORT$2"
}

# ---- the data ----

# The files' bytes are the kernel's doing, or all of them were copied.
expect_served() { # BYTES
	if [[ ${MODE[tx]} == kernel ]]; then
		expect_grown sendfile_bytes "$1" && expect_grown copied_bytes 0
	else
		expect_grown sendfile_bytes 0 && expect_grown copied_bytes "$1"
	fi
}

expect_modes() { # VERSION
	local direction
	expect_grown "handshakes_tls${1/./}" 1 || return
	for direction in tx rx; do
		if [[ ${MODE[$direction]} == kernel ]]; then
			expect_grown "${direction}_kernel" 1 || return
		else
			expect_grown "$direction/${WHY[$direction]}" 1 || return
		fi
	done
}

# GETs of all sizes in one connection; openssl and gnutls send them all at once.
download() { # CLIENT VERSION CIPHER SIZE...
	local -a sizes=("${@:4}") requests=()
	matrix_client "$1" "$2" "$3"
	if [[ $1 == curl ]]; then
		CLIENT+=("${sizes[@]/#/https://$NAME:$PORT/}")
	else
		requests=(-g "${sizes[@]}")
	fi
	"$HELPERS/converse" -t "${MATRIX_SECONDS:-120}" "${requests[@]}" -- "${CLIENT[@]}"
}

sum_of() { # NUMBER...
	local n
	SUM=0
	for n; do SUM=$((SUM + n)); done
}

cell_run() { # VERSION CIPHER KERNEL CLIENT EXPECTED SIZE...
	matrix_cell "$1" "$2" "$3" files
	counters_mark
	download "$4" "$1" "$2" "${@:6}" >"$T/came" || {
		echo "the client failed"
		return 1
	}
	diff "$5" "$T/came" || return
	wait_until 20 connection_has_ended || {
		echo "the connection does not end"
		return 1
	}
	sum_of "${@:6}"
	expect_modes "$1" && expect_served "$SUM" && expect_grown responses_2xx $(($# - 5)) &&
		expect_grown end/closed 1
}

cells_run() { # CLIENT
	local v c k p cells=0 failed=0
	while read -r v c k _ p <&9; do
		[[ $p == "$1" ]] || continue
		((++cells))
		matrix_sizes "$p"
		cell_run "$v" "$c" "$k" "$p" "$T/expected-$p" "${SIZES[@]}" || {
			echo "FAILED: TLS $v, $c, in the kernel: $k, client: $p"
			((++failed))
		}
	done 9< <(matrix_cells)
	echo "$cells cells, $failed failed"
	((cells > 0 && failed == 0))
	wait_until 20 tls_stat_is_idle
}

@test "cells of openssl s_client" {
	cells_run openssl
}

@test "cells of curl" {
	cells_run curl
}

@test "cells of gnutls-cli" {
	cells_run gnutls
}

@test "64 MiB in TLS 1.2 and 1.3" {
	MATRIX_SECONDS=300 cell_run 1.2 gcm128 tx curl "$T/expected-large" "$MATRIX_LARGE"
	MATRIX_SECONDS=300 cell_run 1.3 gcm256 both curl "$T/expected-large" "$MATRIX_LARGE"
}

@test "receiving stays in user space unless it is asked for" {
	port auto
	counters_mark
	[[ $(get auto "$(url auto /)") == root ]]
	wait_until 20 connection_has_ended
	expect_grown rx_kernel 0
	if expect_ktls; then
		expect_grown tx_kernel 1
		counter_grown rx/backend-no-splice && ((GROWN == 1))
	fi
}

# Sums what the calls of the server with these names have returned.
returned_by() { # NAME|NAME...
	sed -nE "s/^([0-9]+ +)?($1)(\(| resumed).* = ([0-9]+)( .*)?\$/\4/p" "$T/calls" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

@test "no payload goes through user space where the kernel sends" {
	local server copied
	expect_ktls || skip "this kernel has no TLS"
	server=$(sed -n 's/.* server=\([0-9]*\) .*msg="ready".*/\1/p' "$T/ktlsd.log")
	spawn strace strace -f -qq -o "$T/calls" -e trace=read,readv,pread64,recvfrom,recvmsg,write,writev,sendto,sendmsg,splice,sendfile \
		-p "$server"
	wait_until 20 is_traced "$server"
	get kernel "$(url kernel "/$PIECES")" | cmp - "$T/www/$PIECES"
	stop strace INT
	[[ $(returned_by sendfile) == "$PIECES" ]]
	copied=$(returned_by 'read|readv|pread64|recvfrom|recvmsg|write|writev|sendto|sendmsg|splice')
	echo "$copied bytes by other calls"
	# the handshake, the head, lines of the log
	((copied > 0 && copied < 32768))
}

is_traced() { # PID
	local name value
	while read -r name value; do
		[[ $name != TracerPid: ]] || break
	done <"/proc/$1/status"
	[[ $value != 0 ]]
}

# ---- ranges ----

pieces() { # LAYER VERSION
	local at=0 len
	local -a arguments=()
	rm -f "$T/pieces"
	for len in 1 16383 16384 16385 65537 500000 "$PIECES"; do
		arguments+=(--next --silent --show-error --fail --cacert "$T/ca.pem" --tls-max "$2"
			--resolve "ecdsa.test:$PORT:$IP" --range "$at-$((at + len - 1))" "$URL/$PIECES")
		((at += len))
	done
	curl "${arguments[@]:1}" >"$T/pieces" && cmp "$T/pieces" "$T/www/$PIECES"
}

each_pieces() { # LAYER VERSION
	port "$1"
	URL=https://ecdsa.test:$PORT
	pieces "$@"
}

@test "ranges put together are the file" {
	each each_pieces
}

slice() { # FIRST LEN
	tail -c "+$(($1 + 1))" "$T/www/$PIECES" | head -c "$2"
}

# What the answer to these ranges of the file has to be.
multipart() { # BOUNDARY FIRST-LAST...
	local range boundary=$1
	shift
	for range; do
		printf '\r\n--%s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes %s/%s\r\n\r\n' \
			"$boundary" "$range" "$PIECES"
		slice "${range%-*}" $((${range#*-} - ${range%-*} + 1))
	done
	printf '\r\n--%s--\r\n' "$boundary"
}

several_ranges() { # LAYER VERSION
	local boundary
	get "$1" --tls-max "$2" --fail -D "$T/head" -r 0-0,100-16999,17000-90000,1048000- \
		"$(url "$1" "/$PIECES")" >"$T/parts" || return
	grep -q '^HTTP/1.1 206 ' "$T/head" || return
	boundary=$(sed -n 's/^Content-Type: multipart\/byteranges; boundary=\([0-9a-f]*\)\r$/\1/p' "$T/head")
	[[ ${#boundary} -ge 32 ]] && multipart "$boundary" 0-0 100-16999 17000-90000 1048000-1048582 |
		cmp - "$T/parts"
}

@test "several ranges come as parts" {
	each several_ranges
}

# ---- statuses ----

# The client sends this head in one record, and sees a response with that status.
expect_status() { # LISTENER STATUS REQUEST [LINE_OF_HEAD]
	rm -f "$T/saved"
	client "$1" "save=$T/saved" handshake "say=$3" read=1 || return
	{
		read -r line
		[[ $line == "HTTP/1.1 $2 "* ]] || {
			echo "not $2 but $line"
			return 1
		}
	} <"$T/saved"
	[[ ! ${4-} ]] || grep -qx "$4"$'\r' "$T/saved"
}

GET_END='HTTP/1.1\r\nHost: x\r\n'

@test "what cannot be had is answered, and the connection goes on" {
	local go="Connection: keep-alive"
	expect_status user 404 "GET /no $GET_END\r\n" "$go"
	expect_status user 404 "HEAD /no $GET_END\r\n" "$go"
	expect_status user 404 "GET /bare/ $GET_END\r\n" "$go"
	expect_status user 405 "DELETE /1 $GET_END\r\n" "Allow: GET, HEAD"
	expect_status user 301 "GET /dir $GET_END\r\n" "Location: /dir/"
	expect_status user 416 "GET /1 ${GET_END}Range: bytes=1-\r\n\r\n" 'Content-Range: bytes \*/1'
	expect_status user 412 "GET /1 ${GET_END}If-Match: \"other\"\r\n\r\n" "$go"
	expect_status user 200 "GET /1?query=%00 $GET_END\r\n" "$go"
	[[ $EUID != 0 ]] || expect_status user 403 "GET /closed $GET_END\r\n" "$go"
}

# Never two readings: the connection ends.
expect_refused() { # STATUS REQUEST [LISTENER]
	expect_status "${3-user}" "$1" "$2" "Connection: close" && expect_end reason=bad-request
}

@test "what is no good request is refused, and the connection ends" {
	expect_refused 400 "nonsense\r\n\r\n"
	expect_refused 400 "GET /1 HTTP/1.1\nHost: x\n\n"
	expect_refused 400 "GET /1 HTTP/1.1\r\n\r\n"
	expect_refused 400 "GET /1 ${GET_END}A : b\r\n\r\n"
	expect_refused 400 "GET /1 ${GET_END}A: b\r\n c\r\n\r\n"
	expect_refused 400 "POST /1 ${GET_END}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
	expect_refused 413 "GET /1 ${GET_END}Content-Length: 1\r\n\r\nx"
	expect_refused 417 "GET /1 ${GET_END}Expect: magic\r\n\r\n"
	expect_refused 501 "BREW /1 $GET_END\r\n"
	expect_refused 505 "GET /1 HTTP/2.0\r\nHost: x\r\n\r\n"
	expect_refused 414 "GET /$(printf %8200d 0)"
	expect_refused 431 "GET /1 ${GET_END}A: $(printf %8200d 0)"
	expect_refused 414 "GET /$(printf %512d 0)" small
	expect_refused 431 "GET /1 ${GET_END}A: $(printf %512d 0)\r\n\r\n" small
}

# A client that neither reads nor goes is not waited for longer than that.
@test "who stays after a refusal is left alone" {
	port hasty
	log_mark
	: >"$T/seen"
	spawn hold "$HELPERS/evil" -t 60 "$IP" "$PORT" handshake 'say=nonsense\r\n\r\n' hold
	expect_end reason=bad-request alert_sent=0
	stop hold
}

@test "what the client has already is not sent again" {
	local etag date
	get user -D "$T/head" "$(url user /1)" >"$T/body"
	etag=$(sed -n 's/^ETag: \(.*\)\r$/\1/p' "$T/head")
	date=$(sed -n 's/^Last-Modified: \(.*\)\r$/\1/p' "$T/head")
	[[ $etag && $date ]]
	expect_status user 304 "GET /1 ${GET_END}If-None-Match: $etag\r\n\r\n"
	expect_status user 304 "GET /1 ${GET_END}If-Modified-Since: $date\r\n\r\n"
	expect_status user 200 "GET /1 ${GET_END}If-None-Match: \"other\"\r\n\r\n"
	expect_status user 206 "GET /16383 ${GET_END}Range: bytes=5-\r\n\r\n"
	expect_status user 200 "GET /1 ${GET_END}Range: bytes=0-0\r\nIf-Range: \"other\"\r\n\r\n"
}

@test "types come from the system's table" {
	expect_status user 200 "GET / $GET_END\r\n" "Content-Type: text/html"
	expect_status user 200 "GET /dir/a%20b.txt $GET_END\r\n" "Content-Type: text/plain"
	expect_status user 200 "GET /1 $GET_END\r\n" "Content-Type: application/octet-stream"
}

heads() { # LAYER VERSION
	client "$1" -v "$2" "save=$T/saved" handshake \
		"say=HEAD /$PIECES $GET_END\r\nGET /1 ${GET_END}Connection: close\r\n\r\n" read || return
	grep -qx "Content-Length: $PIECES"$'\r' "$T/saved" &&
		[[ $(tail -c 1 "$T/saved" | od -An -c) == $(head -c 1 "$T/www/1" | od -An -c) ]] &&
		[[ $(tail -n 2 "$T/seen") == "alert 1 0"$'\n'eof ]]
}

@test "HEAD has no body, and the next response follows it" {
	each heads
}

# ---- paths ----

@test "nothing leaves the root" {
	expect_refused_path() { # STATUS PATH
		expect_status user "$1" "GET $2 $GET_END\r\n"
		! grep -qE 'secret|root:' "$T/saved"
	}
	expect_refused_path 404 /out
	expect_refused_path 404 /absolute
	expect_refused_path 404 /above/secret
	expect_refused_path 400 /../secret
	expect_refused_path 400 /dir/../../secret
	expect_refused_path 400 /%2e%2e/secret
	expect_refused_path 404 /..%2fsecret
	expect_refused_path 400 /1%00.html
	expect_refused_path 400 //..//secret
	[[ $(get user "$(url user /in)") == index ]]
	[[ $(get user "$(url user /dir/../)") == root ]]
}

@test "a pipe is not waited for" {
	expect_status user 404 "GET /pipe $GET_END\r\n"
}

# ---- requests in pieces, and slow ones ----

in_pieces() { # LAYER VERSION
	client "$1" -v "$2" "save=$T/saved" handshake say=G say=ET 'say= /dir/ HTTP/1.1\r' \
		'say=\nHost: x\r\nConnection: close\r\n\r' 'say=\n' read || return
	[[ $(tail -n 1 "$T/saved") == index ]] && expect_end reason=closed
}

@test "a request may come in many records" {
	each in_pieces
}

# More requests in flight than one buffer holds.
many_at_once() { # LAYER VERSION
	local all
	all=$(printf "%.0sGET /dir/ HTTP/1.1\\\\r\\\\nHost: x\\\\r\\\\n\\\\r\\\\n" {1..300})
	client "$1" -v "$2" "save=$T/saved" handshake "say=$all" \
		'say=GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' read || return
	[[ $(grep -c '^index$' "$T/saved") == 300 && $(tail -n 1 "$T/saved") == root ]]
}

@test "hundreds of requests in one go" {
	each many_at_once
}

@test "a request that does not end in time is told so" {
	client hasty "save=$T/saved" handshake 'say=GET / HTTP/1.1\r\nHo' read
	expect_end reason=request-timeout alert_sent=0
	grep -q '^HTTP/1.1 408 ' "$T/saved"
	[[ $(tail -n 2 "$T/seen") == "alert 1 0"$'\n'eof ]]
	# nor one whose record does not
	client hasty handshake cut=20 read
	expect_end reason=request-timeout
}

@test "a connection without requests ends, and so does one that takes nothing" {
	client idle handshake read
	expect_end reason=idle-timeout alert_sent=0
	client idle handshake "get=5" read
	expect_end reason=idle-timeout alert_sent=0
	SPAWN_INPUT=/dev/null spawn hold "$HELPERS/evil" -t 60 "$IP" "$(port stall && echo "$PORT")" \
		handshake "get=$LONG" hold
	log_mark
	: >"$T/seen"
	expect_end reason=stalled
	stop hold
}

# ---- the client's end ----

goodbye() { # LAYER VERSION
	client "$1" -v "$2" "save=$T/saved" handshake "get=$PIECES" record=21:0100 read || return
	[[ $(tail -n 2 "$T/seen") == "alert 1 0"$'\n'eof ]] &&
		tail -c "$PIECES" "$T/saved" | cmp - "$T/www/$PIECES" &&
		expect_end reason=closed "tx=$1" "rx=$1"
}

no_goodbye() { # LAYER VERSION
	client "$1" -v "$2" "save=$T/saved" handshake "get=$PIECES" fin read || return
	tail -c "$PIECES" "$T/saved" | cmp - "$T/www/$PIECES" && expect_end reason=truncated
}

@test "who says goodbye while the answer is on its way gets it all" {
	each goodbye
	each no_goodbye
}

end_in_request() { # LAYER VERSION
	client "$1" -v "$2" handshake 'say=GET / HT' record=21:0100 fin read &&
		expect_end reason=bad-request "tx=$1" &&
		client "$1" -v "$2" handshake 'say=GET / HT' fin read && expect_end reason=bad-request
}

@test "the end in the middle of a request" {
	each end_in_request
}

# A large answer is on its way, and the client does this.
in_download() { # LAYER VERSION STEP...
	client "$1" -v "$2" "save=$T/saved" handshake "get=$LONG" read=100000 "${@:3}"
}

is_beginning() { # FILE: what was saved has a head, and then the file's first bytes
	local head
	head=$(awk 'BEGIN { RS = "\r\n" } { n += length($0) + 2 } $0 == "" { print n; exit }' "$T/saved")
	tail -c "+$((head + 1))" "$T/saved" >"$T/body" && LEN=$(stat -c %s "$T/body") &&
		head -c "$LEN" "$1" | cmp - "$T/body"
}

bad_record_in_download() { # LAYER VERSION
	in_download "$1" "$2" patch=-4:00000000 read && is_beginning "$T/www/$LONG" &&
		expect_end reason=bad-record-mac "tx=$1" alert_sent=20
}

reset_in_download() { # LAYER VERSION
	in_download "$1" "$2" reset && expect_end reason=peer-reset "tx=$1"
}

alert_in_download() { # LAYER VERSION
	in_download "$1" "$2" record=21:0228 read && expect_end reason=peer-alert "tx=$1"
}

@test "a bad record, an alert, a reset in the middle of sendfile" {
	each bad_record_in_download
	each reset_in_download
	each alert_in_download
}

# On a kernel that cannot rekey, what was sent is right and the end has its reason.
update_in_download() { # LAYER
	in_download "$1" 1.3 update=1 read=20000000 record=21:0100 read || return
	is_beginning "$T/www/$LONG" || return
	if [[ $1 == kernel ]] && ! expect_rekey; then
		expect_end reason=rekey-unanswerable alert_sent=0
	else
		[[ $LEN == "$LONG" ]] && grep -qx update "$T/seen" && expect_end reason=closed "tx=$1"
	fi
}

@test "a key update in the middle of sendfile" {
	local layer
	for layer in $(layers); do
		update_in_download "$layer"
	done
}

# ---- files that change ----

# Begins a download of $T/www/changing that waits for `go_on` after its first bytes.
begin_changing() { # LAYER
	cp "$T/www/$LONG" "$T/www/changing"
	rm -f "$T/go" "$T/saved"
	mkfifo "$T/go"
	port "$1"
	log_mark
	SPAWN_INPUT=$T/go spawn changing "$HELPERS/evil" -t 120 "$IP" "$PORT" "save=$T/saved" handshake \
		get=changing read=100000 ready line read &
	exec 8>"$T/go"
	wait
	wait_log changing READY
}

# It reads on; what it saw is in $T/seen.
go_on() {
	echo >&8
	exec 8>&-
}

finish_changing() { # WORD...
	go_on
	cp "$T/changing.log" "$T/seen"
	expect_end "$@"
	wait_until 60 changing_has_ended
	cp "$T/changing.log" "$T/seen"
}

changing_has_ended() {
	! is_running changing
}

truncated() { # LAYER
	begin_changing "$1"
	truncate -s "$((LONG / 2 + 1))" "$T/www/changing"
	finish_changing reason=file-shrank "tx=$1" alert_sent=80 || return
	[[ $(tail -n 2 "$T/seen") == "alert 2 80"$'\n'eof ]] && is_beginning "$T/www/$LONG" &&
		((LEN <= LONG / 2 + 1))
}

@test "a file that becomes shorter ends the connection" {
	local layer
	for layer in $(layers); do
		truncated "$layer"
	done
}

grown() { # LAYER
	begin_changing "$1"
	echo more >>"$T/www/changing"
	go_on
	finished_whole
}

removed() { # LAYER
	begin_changing "$1"
	rm "$T/www/changing"
	go_on
	finished_whole
}

has_come_whole() {
	[[ $(stat -c %s "$T/saved") -gt $LONG ]]
}

finished_whole() {
	wait_until 60 has_come_whole
	stop changing
	tail -c "$LONG" "$T/saved" | cmp - "$T/www/$LONG"
}

@test "of a file that grows or goes comes what was promised" {
	local layer
	for layer in $(layers); do
		grown "$layer"
		removed "$layer"
	done
}

# sysfs has files that are said to have a page and give less, or cannot be read at all.
@test "a file that cannot be read ends the connection" {
	local listener tx=user
	[[ -e $SYS/mtu ]] || skip "there is no $SYS"
	for listener in sysuser sys; do
		[[ $listener == sysuser ]] || ! expect_ktls || tx=kernel
		client "$listener" handshake get=speed read
		expect_end reason=file-failed errno=EINVAL "tx=$tx" alert_sent=80
		client "$listener" handshake get=mtu read
		expect_end reason=file-shrank "tx=$tx" alert_sent=80
	done
}

@test "zerocopy may be on" {
	get zerocopy "$(url zerocopy "/$PIECES")" | cmp - "$T/www/$PIECES"
	! log_has ktlsd "zerocopy is not to be had"
}

# ---- configuration ----

expect_check() { # TEXT LINE...
	config_begin
	config_listener web 4999 "$2"
	sed -i "s/^    files: {root: bad/    proxy: tcp:127.0.0.1:1\n&/" "$T/ktlsd.yaml"
	run -1 "$KTLSD_BUILD/ktlsd" --check --config "$T/ktlsd.yaml"
	[[ $output == *"$1"* ]] || {
		echo "$output"
		return 1
	}
}

@test "a directory that cannot be served is an error with its place" {
	expect_check "listeners[0].files.root: the directory '$T/absent' cannot be opened: No such file" \
		"files:$T/absent"
	expect_check "listeners[0].files.root: the directory '$T/secret' cannot be opened: Not a dir" \
		"files:$T/secret"
	if [[ $EUID == 0 ]]; then
		mkdir -m 700 "$T/private"
		expect_check "'$T/private' cannot be opened by user nobody: Permission denied" \
			"files:$T/private"
	fi
	expect_check "listeners[0].proxy: stands beside files" "files:bad"
	cp "$T/good.yaml" "$T/ktlsd.yaml"
}

@test "a reload whose directory is gone keeps the former one" {
	sed "s,$T/www,$T/absent," "$T/good.yaml" >"$T/ktlsd.yaml"
	kill -HUP "$(spawned ktlsd)"
	wait_log ktlsd "reload refused.*files.root: the directory '$T/absent' cannot be opened"
	cp "$T/good.yaml" "$T/ktlsd.yaml"
	[[ $(get user "$(url user /)") == root ]]
}

@test "nothing is left of any connection" {
	wait_until 30 counter_is connections_open 0
	wait_until 20 tls_stat_is_idle
	[[ ${COUNT[handshakes_in_flight]} == 0 ]]
	! log_has ktlsd 'reason=internal'
}
