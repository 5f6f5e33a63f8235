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

# One listener for each backend and set of directions.
matrix_listener() { # KERNEL BACKEND
	echo "$2-$1"
}

matrix_port() { # KERNEL BACKEND
	local k n=4000
	for k in ${MATRIX_FACTORS[kernel]}; do
		((n++))
		[[ $k != "$1" ]] || break
	done
	[[ $2 == tcp ]] || ((n += 100))
	echo "$n"
}

# The policies that ask for those directions.
matrix_policy() { # KERNEL
	case $1 in
	both) echo "{tx: on, rx: on}" ;;
	tx) echo "{tx: on, rx: off}" ;;
	rx) echo "{tx: off, rx: on}" ;;
	none) echo "{tx: off, rx: off}" ;;
	esac
}

# True if this kernel has the direction of such a cell.
matrix_in_kernel() { # DIRECTION KERNEL
	expect_ktls && [[ $2 == both || $2 == "$1" ]]
}

# Why a direction is in user space; nothing when it is not.
matrix_reason() { # DIRECTION KERNEL
	if matrix_in_kernel "$@"; then
		:
	elif [[ $2 == both || $2 == "$1" ]]; then
		echo ktls-no-ulp
	else
		echo policy-off
	fi
}

# RSA has no CCM suite in TLS 1.2. Else each version meets both certificates in every client.
matrix_certificate() { # VERSION CIPHER
	case $1-$2 in
	1.2-gcm256 | 1.2-chacha | 1.3-gcm128 | 1.3-ccm) echo rsa.test ;;
	*) echo ecdsa.test ;;
	esac
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

# Speaks the requests of that many bytes on stdin and stdout through `openssl s_client`.
matrix_openssl() { # VERSION CIPHER PORT NAME
	local suite=-ciphersuites version=-tls1_3
	[[ $1 == 1.3 ]] || suite=-cipher version=-tls1_2
	"$HELPERS/feed" -t "$MATRIX_SECONDS" openssl s_client -quiet -nocommands "$version" \
		"$suite" "${MATRIX_SUITE_OPENSSL[$1-$2]}" -connect "$IP:$3" -servername "$4" \
		-CAfile "$T/ca.pem" -verify_return_error -verify_hostname "$4"
}

matrix_gnutls() { # VERSION CIPHER PORT NAME
	local priority="NORMAL:-VERS-ALL:+VERS-TLS$1:-CIPHER-ALL:+${MATRIX_CIPHER_GNUTLS[$2]}"
	"$HELPERS/feed" -t "$MATRIX_SECONDS" gnutls-cli --logfile="$T/gnutls.log" --port "$3" \
		--priority "$priority" --x509cafile "$T/ca.pem" --sni-hostname "$4" \
		--verify-hostname "$4" "$IP"
}

# Prints the bodies of the answers: curl takes the headers itself.
matrix_curl() { # VERSION CIPHER PORT NAME SIZE...
	local version=$1 cipher=$2 port=$3 name=$4 size url list=--tls13-ciphers
	shift 4
	url=https://$name:$port
	[[ $version == 1.3 ]] || list=--ciphers
	for size; do
		printf 'url = "%s/body"\nupload-file = "%s"\n' "$url" "$T/up-$size"
	done >"$T/curl.config"
	for size; do
		printf 'url = "%s/%s"\n' "$url" "$size"
	done >>"$T/curl.config"
	curl --silent --show-error --fail --max-time "$MATRIX_SECONDS" --header Expect: \
		--resolve "$name:$port:$IP" --cacert "$T/ca.pem" "--tlsv$version" \
		--tls-max "$version" "$list" "${MATRIX_SUITE_OPENSSL[$version-$cipher]}" \
		--config "$T/curl.config"
}

# Prints the SHA-256 of all that came back.
matrix_exchange() { # CLIENT VERSION CIPHER PORT NAME SIZE...
	local client=$1
	shift
	set -o pipefail
	if [[ $client == curl ]]; then
		matrix_curl "$@" | sha256sum
	else
		"$HELPERS/pattern" requests "${@:5}" | "matrix_$client" "${@:1:4}" | sha256sum
	fi
}

# Prints the SHA-256 of what should come back, as no TLS has ever seen it.
matrix_expected() { # CLIENT SIZE...
	local what=responses
	[[ $1 != curl ]] || what=bodies
	"$HELPERS/pattern" "$what" "${@:2}" | sha256sum
}
