# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The cells of the matrix and how a client makes one happen. A cell is a line
#
#	VERSION CIPHER KERNEL BACKEND CLIENT
#
# where KERNEL is the directions that shall be in the kernel. Needs lib.bash.

# shellcheck disable=SC2034 # for the files that load this
MATRIX_SIZES=(0 1 16383 16384 16385 65537 1048583)
# shellcheck disable=SC2034
MATRIX_LARGE=67108864

# Sets SIZES to the bodies for a client: gnutls-cli prints what comes byte by byte, a system call
# each.
matrix_sizes() { # CLIENT
	SIZES=("${MATRIX_SIZES[@]}")
	[[ $1 != gnutls ]] || unset 'SIZES[-1]'
}

declare -gA MATRIX_FACTORS=(
	[version]="1.2 1.3"
	[cipher]="gcm128 gcm256 chacha ccm"
	[kernel]="both tx rx none"
	[backend]="tcp unix"
	[client]="openssl curl gnutls"
)

# ---- cells ----

# Every cell.
matrix_full() {
	local v c k b p
	for v in ${MATRIX_FACTORS[version]}; do
		for c in ${MATRIX_FACTORS[cipher]}; do
			for k in ${MATRIX_FACTORS[kernel]}; do
				for b in ${MATRIX_FACTORS[backend]}; do
					for p in ${MATRIX_FACTORS[client]}; do
						echo "$v $c $k $b $p"
					done
				done
			done
		done
	done
}

# Few cells that hold every pair of values of two factors: the next one is always that which
# brings most new pairs, the first of them where several do.
matrix_pairwise() {
	matrix_full | awk '
		function gain(cell,    n, f, i, j) {
			n = split(cell, f)
			for (i = 1; i < n; i++)
				for (j = i + 1; j <= n; j++)
					fresh += !((i, f[i], j, f[j]) in have)
		}
		function take(cell,    n, f, i, j) {
			n = split(cell, f)
			for (i = 1; i < n; i++)
				for (j = i + 1; j <= n; j++)
					have[i, f[i], j, f[j]]
			print cell
		}
		{ cells[NR] = $0 }
		END {
			do {
				best = 0
				for (c = 1; c <= NR; c++) {
					fresh = 0
					gain(cells[c])
					if (fresh > best) {
						best = fresh
						chosen = cells[c]
					}
				}
				if (best)
					take(chosen)
			} while (best)
		}'
}

matrix_cells() {
	if [[ ${MATRIX-} == full ]]; then matrix_full; else matrix_pairwise; fi
}

# ---- what a cell means ----

# Sets LISTENER, PORT, POLICY and NAME, whose certificate the client asks for; and of both
# directions MODE[tx|rx], where this kernel should have them, and WHY[tx|rx], if that is not where
# policy has them, or policy is off.
matrix_cell() { # VERSION CIPHER KERNEL BACKEND
	local direction n
	local -A ports=([both]=1 [tx]=2 [rx]=3 [none]=4 [tcp]=4000 [unix]=4100 [files]=4200)
	LISTENER=$4-$3
	PORT=$((ports[$4] + ports[$3]))
	# RSA has no CCM suite in TLS 1.2
	case $1-$2 in
	1.2-gcm256 | 1.2-chacha | 1.3-gcm128 | 1.3-ccm) NAME=rsa.test ;;
	*) NAME=ecdsa.test ;;
	esac
	declare -gA MODE=() WHY=()
	POLICY='{'
	for direction in tx rx; do
		n=off
		[[ $3 != both && $3 != "$direction" ]] || n=on
		POLICY+="$direction: $n, "
		MODE[$direction]=user WHY[$direction]=policy-off
		[[ $n == on ]] || continue
		WHY[$direction]=ktls-no-ulp
		expect_ktls || continue
		MODE[$direction]=kernel WHY[$direction]=
	done
	POLICY=${POLICY%, }'}'
}

# ---- clients ----

declare -gA MATRIX_SUITE_OPENSSL=(
	[1.3-gcm128]=TLS_AES_128_GCM_SHA256 [1.3-gcm256]=TLS_AES_256_GCM_SHA384
	[1.3-chacha]=TLS_CHACHA20_POLY1305_SHA256 [1.3-ccm]=TLS_AES_128_CCM_SHA256
	[1.2-gcm128]=ECDHE-ECDSA-AES128-GCM-SHA256 [1.2-gcm256]=ECDHE-RSA-AES256-GCM-SHA384
	[1.2-chacha]=ECDHE-RSA-CHACHA20-POLY1305 [1.2-ccm]=ECDHE-ECDSA-AES128-CCM
)
declare -gA MATRIX_CIPHER_GNUTLS=([gcm128]=AES-128-GCM [gcm256]=AES-256-GCM
	[chacha]=CHACHA20-POLY1305 [ccm]=AES-128-CCM)

# Sets CLIENT to the command that connects as VERSION and CIPHER say to PORT and NAME.
matrix_client() { # CLIENT VERSION CIPHER
	local suite=${MATRIX_SUITE_OPENSSL[$2-$3]}
	case $1-$2 in
	openssl-*)
		CLIENT=(openssl s_client -quiet -nocommands -connect "$IP:$PORT" -servername "$NAME"
			-CAfile "$T/ca.pem" -verify_return_error -verify_hostname "$NAME")
		;;
	gnutls-*)
		CLIENT=(gnutls-cli --logfile="$T/gnutls.log" --port "$PORT" --priority
			"NORMAL:-VERS-ALL:+VERS-TLS$2:-CIPHER-ALL:+${MATRIX_CIPHER_GNUTLS[$3]}"
			--x509cafile "$T/ca.pem" --sni-hostname "$NAME" --verify-hostname "$NAME" "$IP")
		;;
	curl-*)
		CLIENT=(curl --silent --show-error --fail --header Expect: --cacert "$T/ca.pem"
			--resolve "$NAME:$PORT:$IP" "--tlsv$2" --tls-max "$2")
		;;
	esac
	case $1-$2 in
	openssl-1.2) CLIENT+=(-tls1_2 -cipher "$suite") ;;
	openssl-1.3) CLIENT+=(-tls1_3 -ciphersuites "$suite") ;;
	curl-1.2) CLIENT+=(--ciphers "$suite") ;;
	curl-1.3) CLIENT+=(--tls13-ciphers "$suite") ;;
	esac
}

# Sends bodies of these sizes up and has them sent down, in one connection. Prints length and
# SHA-256 of all that came back; of curl those of the bodies, as it takes the headers itself.
matrix_exchange() { # CLIENT VERSION CIPHER SIZE...
	local client=$1 size
	local -a requests=("${@:4}")
	matrix_client "$1" "$2" "$3"
	if [[ $client == curl ]]; then
		for size in "${requests[@]}"; do
			CLIENT+=(--upload-file "$T/up-$size" "https://$NAME:$PORT/body")
		done
		CLIENT+=("${requests[@]/#/https://$NAME:$PORT/}")
		requests=()
	fi
	"$HELPERS/converse" -t "${MATRIX_SECONDS:-120}" "${requests[@]}" -- "${CLIENT[@]}"
}

# What matrix_exchange should print, from bodies that no TLS has seen.
matrix_expected() { # CLIENT SIZE...
	local what=responses
	[[ $1 != curl ]] || what=bodies
	"$HELPERS/converse" -- "$HELPERS/pattern" "$what" "${@:2}"
}

# ---- the daemon's counters, before and after ----

counters_mark() {
	local name
	counters_read
	declare -gA MARK=()
	for name in "${!COUNT[@]}"; do
		MARK[$name]=${COUNT[$name]}
	done
}

# Sets GROWN to what the counter has grown by.
counter_grown() { # NAME
	GROWN=$((${COUNT[$1]-0} - ${MARK[$1]-0}))
}

expect_grown() { # NAME BY
	counter_grown "$1"
	[[ $GROWN == "$2" ]] || {
		echo "$1 grew by $GROWN, not by $2"
		return 1
	}
}

connection_has_ended() {
	counter_is connections_open 0 && counter_grown connections_accepted && ((GROWN == 1))
}
