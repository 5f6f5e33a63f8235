# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What ./quickstart shows, on whatever kernel it runs: ktlsd before a small backend and serving files,
# real traffic, what ktlsctl says, and whether the kernel carried it. To be sourced with progress.bash; the
# current directory is the tree's root, with build/release in it.
#
#	demo_kernel_has_tls	true if TCP_ULP "tls" can be set now
#	demo_make_files		the certificates and bodies, into $DEMO_DIR
#	demo_all ADDRESS PORT FILES_PORT API PLACE
#				the demonstration; serves afterwards unless $ONCE
#	demo_stop		ends everything it has started
#
# $DEMO_DIR holds files, $DEMO_RUN the sockets. API is the socket that the user is told of.

DEMO_BUILD=$PWD/build/release
DEMO_SIZE=$((16 * 1024 * 1024))
DEMO_SLOW_SIZE=$((8 * 1024 * 1024))
DEMO_PIDS=()

demo_kernel_has_tls() {
	[[ " $(cat /proc/sys/net/ipv4/tcp_available_ulp 2>/dev/null) " == *" tls "* ]]
}

demo_fail() {
	progress_note "quickstart: $*"
	if [[ -s $DEMO_DIR/ktlsd.log ]]; then
		progress_note "What ktlsd said last:"
		tail -n 20 "$DEMO_DIR/ktlsd.log" | sed 's/^/    /' >&2
	fi
	exit 1
}

demo_openssl() {
	openssl "$@" 2>"$DEMO_DIR/openssl.log" || {
		cat "$DEMO_DIR/openssl.log" >&2
		demo_fail "openssl $1 failed"
	}
}

demo_make_files() (
	cd "$DEMO_DIR" || exit
	demo_openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 \
		-subj "/CN=ktlsd quickstart, throw-away CA" -keyout ca.key -out ca.pem
	demo_openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
		-addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout web.key -out web.csr
	demo_openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 7 \
		-copy_extensions copy -out web.pem
	head -c "$DEMO_SIZE" /dev/urandom >upload
)

# The server process, which is another user, has to read them.
demo_publish_files() {
	mkdir -m 755 "$DEMO_RUN/www"
	cp "$DEMO_DIR/upload" "$DEMO_RUN/www/file"
	cp README.md "$DEMO_RUN/www/README.md"
	chmod 644 "$DEMO_RUN"/www/*
}

demo_write_config() { # ADDRESS PORT BACKEND_PORT FILES_PORT
	local user
	user=$(id -un)
	((EUID)) || user=nobody
	cat >"$DEMO_DIR/ktlsd.yaml" <<-END
		user: $user
		runtime-directory: $DEMO_RUN
		listeners:
		  - name: web
		    address: $1:$2
		    certificates: [{chain: web.pem, key: web.key}]
		    alpn: [http/1.1]
		    proxy: tcp:127.0.0.1:$3
		  - name: files
		    address: $1:$4
		    certificates: [{chain: web.pem, key: web.key}]
		    alpn: [http/1.1]
		    files: {root: $DEMO_RUN/www}
	END
}

# Waits until COMMAND succeeds; fails after SECONDS.
demo_wait() { # SECONDS COMMAND...
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		read -rt 0.1 <> <(:) || true
	done
}

demo_is_ready() { # LOG TEXT
	grep -q "$2" "$1" || ! kill -0 "${DEMO_PIDS[-1]}" 2>/dev/null
}

# Starts COMMAND and waits until its output says TEXT.
demo_start() { # NAME TEXT COMMAND...
	local log=$DEMO_DIR/$1.log
	: >"$log"
	"${@:3}" >"$log" 2>&1 </dev/null &
	DEMO_PIDS+=($!)
	demo_wait 90 demo_is_ready "$log" "$2" || true
	grep -q "$2" "$log" || demo_fail "$1 did not start: $(tail -n 1 "$log")"
}

demo_stop() {
	local pid
	for pid in "${DEMO_PIDS[@]}"; do
		{ kill -TERM "$pid" && wait "$pid"; } 2>/dev/null || true
	done
	DEMO_PIDS=()
	if [[ $DEMO_RUN ]]; then
		# the kernel programs outlive ktlsd, but not their file system
		umount "$DEMO_RUN/bpf" 2>/dev/null || true
		rm -rf "$DEMO_RUN"
	fi
}

demo_ktlsctl() {
	"$DEMO_BUILD/ktlsctl" --socket "$DEMO_RUN/api.sock" "$@"
}

# status and probe end with 3 where there is something to complain about.
demo_show() { # COMMAND...
	local status=0
	printf '\n$ ktlsctl %s\n' "$*"
	demo_ktlsctl "$@" || status=$?
	((status == 0 || status == 3)) || demo_fail "ktlsctl $* ended with exit code $status"
}

demo_curl() {
	curl --silent --show-error --fail --noproxy '*' --max-time 300 \
		--cacert "$DEMO_DIR/ca.pem" --header Expect: "$@"
}

demo_sha256() {
	local sum
	sum=$(sha256sum)
	echo "${sum%% *}"
}

demo_value() { # NAME: a counter of the kernel, 0 where it has none
	[[ -r /proc/net/tls_stat ]] || { echo 0 && return; }
	awk -v name="$1" '$1 == name { value = $2 } END { print value + 0 }' /proc/net/tls_stat
}

# Prints true or false, as the daemon's status says.
demo_status_flag() { # NAME
	local json
	json=$(demo_ktlsctl status --json) || (($? == 3)) || return 1
	[[ $json =~ \"$1\":\ *(true|false) ]] && echo "${BASH_REMATCH[1]}"
}

demo_download() {
	local got want
	want=$(demo_curl "http://127.0.0.1:$BACKEND_PORT/$DEMO_SIZE" | demo_sha256)
	got=$(demo_curl "$URL/$DEMO_SIZE" | demo_sha256)
	[[ $got == "$want" ]] || demo_fail "the download is not what the backend sent"
	echo "$got"
}

demo_upload() {
	local got want
	want=$(demo_sha256 <"$DEMO_DIR/upload")
	got=$(demo_curl --upload-file "$DEMO_DIR/upload" "$URL/upload")
	[[ $got == "$want $DEMO_SIZE" ]] || demo_fail "the backend got something else than was sent: $got"
	echo "$want"
}

# Prints what the daemon's counter stands at.
demo_counter() { # NAME
	local json
	json=$(demo_ktlsctl status --json) || (($? == 3)) || return 1
	[[ $json =~ \"name\":\"$1\",\"unit\":\"[a-z]+\",\"gauge\":false,\"value\":([0-9]+) ]] &&
		echo "${BASH_REMATCH[1]}"
}

# A file, and its last half again, as a client asks that was interrupted.
demo_file() {
	local got want half=$((DEMO_SIZE / 2))
	want=$(demo_sha256 <"$DEMO_RUN/www/file")
	got=$({
		demo_curl --range "0-$((half - 1))" "$FILES_URL/file"
		demo_curl --range "$half-" "$FILES_URL/file"
	} | demo_sha256)
	[[ $got == "$want" ]] || demo_fail "the file that was served is not that on the disk"
	echo "$want"
}

demo_has_two_open() {
	(($(demo_ktlsctl list --own --no-headings -o state 2>/dev/null | grep -cx open) >= 2))
}

# Two downloads that take their time, so that there is something to list.
demo_list() {
	local slow want got
	want=$(demo_curl "http://127.0.0.1:$BACKEND_PORT/$DEMO_SLOW_SIZE" | demo_sha256)
	demo_curl --tls-max 1.2 --limit-rate 1M "$URL/$DEMO_SLOW_SIZE" \
		>"$DEMO_DIR/slow" 2>"$DEMO_DIR/slow.err" &
	slow=$!
	demo_curl --limit-rate 1M "$URL/$DEMO_SLOW_SIZE" >/dev/null 2>&1 &
	DEMO_PIDS+=("$slow" $!)
	demo_wait 30 demo_has_two_open || demo_fail "the open connections do not show up in ktlsctl list"
	demo_show list
	progress_begin "The rest of these downloads"
	wait "$slow" || demo_fail "the slow download failed: $(<"$DEMO_DIR/slow.err")"
	got=$(demo_sha256 <"$DEMO_DIR/slow")
	[[ $got == "$want" ]] || demo_fail "the slow download is not what the backend sent"
	progress_end 0
}

demo_free_port() { # FIRST
	local port
	for ((port = $1; port < $1 + 100; port++)); do
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
	demo_fail "no free port on 127.0.0.1 from $1 on"
}

demo_traffic() {
	progress_begin "Download of $((DEMO_SIZE >> 20)) MiB through ktlsd"
	DOWNLOAD=$(demo_download)
	progress_end 0
	progress_begin "Upload of $((DEMO_SIZE >> 20)) MiB"
	UPLOAD=$(demo_upload)
	progress_end 0
	progress_begin "A file of $((DEMO_SIZE >> 20)) MiB, in two ranges"
	FILE=$(demo_file)
	progress_end 0
	SENDFILE=$(demo_counter sendfile_bytes)
}

# Sets COUNT_TX and COUNT_RX: connections whose keys the kernel has been given since then.
demo_count() { # TX_BEFORE RX_BEFORE
	COUNT_TX=$(($(demo_value TlsTxSw) - $1))
	COUNT_RX=$(($(demo_value TlsRxSw) - $2))
}

# Six connections. Receiving of the two for files stays in user space; of the other four one is in
# TLS 1.2, as receiving in TLS 1.3 wants a kernel that can rekey.
demo_judge() {
	local tx=0 rx=0 sendfile=0
	if [[ $KTLS == true ]]; then
		tx=6 rx=1 sendfile=$DEMO_SIZE
		[[ $REKEY == false ]] || rx=4
	elif demo_kernel_has_tls; then
		demo_fail "the kernel has TLS, and ktlsd's probe did not find it usable"
	fi
	((COUNT_TX >= tx && COUNT_RX >= rx)) || demo_fail "the kernel got keys for sending of \
$COUNT_TX connections and for receiving of $COUNT_RX; expected are $tx and $rx"
	((SENDFILE == sendfile)) ||
		demo_fail "the kernel sent $SENDFILE bytes of files itself; expected are $sendfile"
	EXPECT_TX=$tx EXPECT_RX=$rx
}

demo_summary() { # PLACE
	cat <<-END

		SUMMARY
		Kernel       $(uname -r), $1
		Kernel TLS   $([[ $KTLS == true ]] && echo yes || echo "no: user space did all of this")$(
			[[ $KTLS == true && $REKEY == true ]] && echo ", new keys on running connections: yes")
		Download     $DEMO_SIZE bytes, SHA-256 ${DOWNLOAD:0:16}..., as the backend sent it
		Upload       $DEMO_SIZE bytes, SHA-256 ${UPLOAD:0:16}..., as the client sent it
		File         $DEMO_SIZE bytes in two ranges, SHA-256 ${FILE:0:16}..., as on the disk;
		             $SENDFILE of them by sendfile
		In kernel    sending $COUNT_TX of 6 connections (expected $EXPECT_TX),
		             receiving $COUNT_RX of 6 (expected $EXPECT_RX), by /proc/net/tls_stat
	END
}

demo_invite() { # API
	local dir=${DEMO_DIR#"$PWD"/} ctl="build/release/ktlsctl --socket ${1#"$PWD"/}"
	cat <<-END

		Serving at $URL, and files at $FILES_URL, until Ctrl-C.
		In another terminal:

		  cd $PWD
		  curl --cacert $dir/ca.pem $URL/1000000 | sha256sum
		  curl --cacert $dir/ca.pem --upload-file README.md $URL/upload
		  curl --cacert $dir/ca.pem $FILES_URL/README.md
		  $ctl status
		  $ctl list
		  $ctl policy tx=off
		  $ctl explain policy-off
	END
}

demo_all() { # ADDRESS PORT FILES_PORT API PLACE
	local before_tx before_rx
	BACKEND_PORT=$(demo_free_port 8080) URL=https://localhost:$2 FILES_URL=https://localhost:$3
	demo_publish_files
	demo_write_config "$1" "$2" "$BACKEND_PORT" "$3"
	progress_begin "A backend, ktlsd and its probe of Linux $(uname -r)"
	demo_start backend READY "$DEMO_BUILD/helpers/backend" "http=tcp:127.0.0.1:$BACKEND_PORT"
	demo_start ktlsd 'msg="ready"' "$DEMO_BUILD/ktlsd" --config "$DEMO_DIR/ktlsd.yaml"
	progress_end 0
	KTLS=$(demo_status_flag ktls) REKEY=$(demo_status_flag rekey)
	before_tx=$(demo_value TlsTxSw) before_rx=$(demo_value TlsRxSw)
	demo_traffic
	demo_list
	demo_count "$before_tx" "$before_rx"
	demo_show status
	demo_show probe
	demo_judge
	demo_summary "$5"
	((ONCE)) && return
	demo_invite "$4"
	wait "${DEMO_PIDS[1]}" || true
	demo_fail "ktlsd has ended"
}
