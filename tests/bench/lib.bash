# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Processes, their cost, and samples. To be sourced by run.
#
#	bench_begin / bench_end		private directory $T, certificates, address $IP
#	spawn NAME COMMAND...		in the background, output in $T/NAME.log; sets SPAWNED
#	stop PID			ends it with all it has started
#	wait_until SECONDS COMMAND...	tries it until it succeeds
#	cost_read PID...		sets COST to the nanoseconds of CPU these processes have used
#	sample COMPARISON SUBJECT ROUND KEY=NUMBER...	a line for the report
#	rounds N FUNCTION SUBJECT...	calls FUNCTION SUBJECT ROUND, interleaved: A B, B A, A B ...

CLIENT_CPU=''

say() {
	echo "bench: $*" >&2
}

die() { # TEXT [LOG]
	say "$1"
	[[ -z ${2-} ]] || tail -n 20 "$2" >&2
	exit 1
}

# ---- processes ----

wait_until() { # SECONDS COMMAND...
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.02
	done
}

spawn() { # NAME COMMAND...
	local name=$1
	shift
	"$@" </dev/null >"$T/$name.log" 2>&1 &
	SPAWNED=$!
	CHILDREN[$SPAWNED]=$name
}

# PID and every process below it.
descendants() { # PID
	local pid
	echo "$1"
	for pid in $(pgrep -P "$1" || true); do
		descendants "$pid"
	done
}

are_gone() { # PID...
	local pid
	for pid; do
		[[ ! -e /proc/$pid ]] || return 1
	done
}

stop() { # PID
	local -a pids
	mapfile -t pids < <(descendants "$1")
	unset "CHILDREN[$1]"
	kill -TERM "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
	wait_until 10 are_gone "${pids[@]}" || kill -KILL "${pids[@]}" 2>/dev/null || true
}

certificate() { # NAME GENERATION_OPTION...
	local name=$1
	shift
	openssl req -x509 -nodes -days 3650 -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
		-keyout "$T/$name.key" -out "$T/$name.pem" "$@" 2>/dev/null
}

bench_begin() {
	T=$(mktemp -d /tmp/ktlsd-bench.XXXXXX)
	chmod 755 "$T"
	# shellcheck disable=SC2034 # for the others
	IP=127.$((1 + $$ / 62500 % 250)).$(($$ / 250 % 250)).$((1 + $$ % 250))
	declare -gA CHILDREN=()
	trap bench_end EXIT
	trap 'exit 130' INT TERM
	ulimit -n "$(ulimit -Hn)"
	certificate ecdsa -newkey ec -pkeyopt ec_paramgen_curve:P-256
	certificate rsa -newkey rsa:2048
}

bench_end() {
	local pid
	for pid in "${!CHILDREN[@]}"; do
		stop "$pid"
	done
	umount "$T"/run-*/bpf 2>/dev/null || true
	rm -rf "$T"
}

# One CPU for the server, another for client and backend.
bind_cpus() {
	CLIENT_CPU=0
	# shellcheck disable=SC2034 # for servers.bash
	(($(nproc) < 2)) || SERVER_CPU=1
}

backend_start() { # MODE=ADDRESS:PORT...
	# shellcheck disable=SC2086 # a list of words, or nothing
	spawn backend ${CLIENT_CPU:+taskset -c $CLIENT_CPU} "$BUILD/bench/backend" "$@"
	wait_until 20 grep -q READY "$T/backend.log" || die "no backend" "$T/backend.log"
	# shellcheck disable=SC2034 # for the comparisons
	BACKEND_PID=$SPAWNED
}

# ---- cost ----

# User and system time of live threads, by the nanosecond. A process with threads that come and go is
# read from its stat, by the clock tick, as that keeps the time of threads that have ended.
cost_read() { # PID...
	local pid file ns rest
	COST=0
	for pid; do
		read -r rest 2>/dev/null <"/proc/$pid/comm" || continue
		if [[ $rest == stunnel* ]]; then
			ticks_read "$pid"
			COST=$((COST + TICKS * 10000000))
			continue
		fi
		for file in /proc/"$pid"/task/*/schedstat; do
			read -r ns rest 2>/dev/null <"$file" || continue
			COST=$((COST + ns))
		done
	done
}

# Sets TICKS_USER and TICKS to their time in user space and in all, by the clock tick.
ticks_read() { # PID...
	local pid line
	local -a words
	TICKS_USER=0 TICKS=0
	for pid; do
		{ read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
		read -ra words <<<"${line##*) }"
		TICKS_USER=$((TICKS_USER + words[11]))
		TICKS=$((TICKS + words[11] + words[12]))
	done
}

# The same for the kernel's own threads, which do some of what servers ask for; KERNEL_NS has it for each.
cost_read_kernel() {
	local file line ns rest
	local -a words
	COST=0 KERNEL_NS=()
	for file in /proc/[0-9]*/stat; do
		{ read -r line <"$file"; } 2>/dev/null || continue
		read -ra words <<<"${line##*) }"
		[[ ${words[1]} == 2 ]] || continue
		{ read -r ns rest <"${file%stat}schedstat"; } 2>/dev/null || continue
		COST=$((COST + ns)) KERNEL_NS[${file//[!0-9]/}]=$ns
	done
}

# Waits until the kernel's threads have come to rest, at most a minute: a guest that has just booted goes
# on with that for a while.
cost_settle_kernel() {
	local i before
	for ((i = 0; i < 120; i++)); do
		cost_read_kernel
		before=$COST
		sleep 0.5
		cost_read_kernel
		((COST - before > 1000000)) || return 0
	done
}

# Waits until these processes have come to rest, at most two seconds.
cost_settle() { # PID...
	local i before=-1
	for ((i = 0; i < 40; i++)); do
		cost_read "$@"
		[[ $COST != "$before" ]] || return 0
		before=$COST
		sleep 0.05
	done
}

# ---- a client that waits ----

# Starts a client that prints READY and waits for a line before it does what is to be measured.
client_begin() { # SUBJECT COMMAND...
	local ready=''
	CLIENT_OF=$1
	shift
	# shellcheck disable=SC2086 # a list of words, or nothing
	coproc CLIENT { exec ${CLIENT_CPU:+taskset -c $CLIENT_CPU} "$@"; }
	CLIENT_PROCESS=$!
	CLIENT_IN=${CLIENT[1]} CLIENT_OUT=${CLIENT[0]}
	read -r -t 300 ready <&"$CLIENT_OUT" || ready=''
	[[ $ready == READY ]] || die "no handshake with $CLIENT_OF"
}

# Lets it go on and waits for its end; sets RESULT[KEY] by what it prints.
client_go() {
	local line word
	declare -gA RESULT=()
	echo go >&"$CLIENT_IN"
	read -r -t 600 line <&"$CLIENT_OUT" || die "$CLIENT_OF does not finish"
	wait "$CLIENT_PROCESS" || die "the client failed at $CLIENT_OF: $line"
	for word in $line; do
		# shellcheck disable=SC2034 # for the comparisons
		RESULT[${word%%=*}]=${word#*=}
	done
}

# The same; sets SERVER_COST and KERNEL_COST to what it cost these processes and the kernel's threads.
client_cost() { # PID...
	local server pid
	local -a before
	cost_settle "$@"
	server=$COST
	cost_read_kernel
	before=()
	for pid in "${!KERNEL_NS[@]}"; do
		before[pid]=${KERNEL_NS[pid]}
	done
	client_go
	cost_settle "$@"
	# shellcheck disable=SC2034 # for the comparisons
	SERVER_COST=$((COST - server))
	cost_read_kernel
	# a thread that has ended took its cost along, which may be more than all others have spent
	KERNEL_COST=0
	for pid in "${!KERNEL_NS[@]}"; do
		KERNEL_COST=$((KERNEL_COST + KERNEL_NS[pid] - ${before[pid]-0}))
	done
}

# The same; sets CALLS to the system calls of these processes, by perf's count of the tracepoint. That
# costs instructions: not to be mixed with client_cost.
client_calls() { # PID...
	local counter
	perf stat -x , -o "$T/perf" -e raw_syscalls:sys_enter -p "$(IFS=, && echo "$*")" \
		2>"$T/perf.log" &
	counter=$!
	wait_until 600 is_waiting "$counter" || die "perf does not start" "$T/perf.log"
	client_go
	kill -INT "$counter"
	wait "$counter" || true
	CALLS=$(grep sys_enter "$T/perf" | cut -d , -f 1)
	[[ $CALLS =~ ^[0-9]+$ ]] || die "perf counts nothing: $CALLS" "$T/perf.log"
}

# perf waits in poll or nanosleep once it counts.
is_waiting() { # PID
	local what
	what=$(<"/proc/$1/wchan") && [[ $what == *poll* || $what == *nanosleep* ]]
}

# The same; sets COPIED to the bytes that these processes moved by calls that copy through their memory.
client_copied() { # PID...
	local tracer pid
	local -a options=()
	for pid; do
		options+=(-p "$pid")
	done
	strace -qq -f -o "$T/strace" "${options[@]}" \
		-e trace=read,readv,pread64,write,writev,recvfrom,recvmsg,sendto,sendmsg \
		2>"$T/strace.log" &
	tracer=$!
	wait_until 60 is_traced "$@" || die "strace does not start" "$T/strace.log"
	client_go
	kill -INT "$tracer"
	wait "$tracer" || true
	# shellcheck disable=SC2034 # for the comparisons
	COPIED=$(awk '$NF ~ /^[0-9]+$/ && $(NF - 1) == "=" { n += $NF } END { print n + 0 }' "$T/strace")
}

is_traced() { # PID...
	local pid file
	for pid; do
		for file in /proc/"$pid"/task/*/status; do
			grep -q '^TracerPid:[[:space:]]*[1-9]' "$file" || return 1
		done
	done
}

# ---- profiles ----

# Samples these processes by the clock, which needs no counter of the CPU's, and in a guest of --icount is by
# instructions.
profile_begin() { # PID...
	perf record -q -e cpu-clock -F 4000 -o "$T/profile" -p "$(IFS=, && echo "$*")" \
		2>"$T/perf.log" &
	PROFILER=$!
	wait_until 600 is_waiting "$PROFILER" || die "perf does not start" "$T/perf.log"
}

# Ends that; the functions where most of it went become a line for the report.
profile_end() { # COMPARISON SUBJECT
	kill -INT "$PROFILER"
	wait "$PROFILER" || true
	perf report -i "$T/profile" --sort symbol 2>/dev/null >"$T/profile.txt" || true
	awk -v comparison="$1" -v subject="$2" '
		$1 ~ /%$/ && n < 12 {
			list = list (n++ ? "," : "") "{\"function\":\"" $3 "\",\"in\":\"" \
				($2 == "[k]" ? "kernel" : "user") "\",\"percent\":" ($1 + 0) "}"
		}
		$1 ~ /%$/ { all[$2] += $1 }
		END {
			printf "{\"comparison\":\"%s\",\"subject\":\"%s\",\"kernel\":%.1f,\"profile\":[%s]}\n",
				comparison, subject, all["[k]"], list
		}' "$T/profile.txt" >>"$SAMPLES"
	say "$1, profile of $2: $(awk '$1 ~ /%$/ && n++ < 4 { printf "%s %s  ", $1, $3 }' "$T/profile.txt")"
}

# ---- samples ----

sample() { # COMPARISON SUBJECT ROUND KEY=NUMBER...
	local pair values=''
	for pair in "${@:4}"; do
		values+="${values:+,}\"${pair%%=*}\":${pair#*=}"
	done
	printf '{"comparison":"%s","subject":"%s","round":%d,"values":{%s}}\n' \
		"$1" "$2" "$3" "$values" >>"$SAMPLES"
	say "$1, round $3, $2: ${*:4}"
}

rounds() { # N FUNCTION SUBJECT...
	local n=$1 function=$2 round i
	shift 2
	for ((round = 1; round <= n; round++)); do
		for ((i = 1; i <= $#; i++)); do
			if ((round % 2)); then
				"$function" "${!i}" "$round"
			else
				local back=$(($# + 1 - i))
				"$function" "${!back}" "$round"
			fi
		done
	done
}

# A quotient with three decimals. A may be negative.
quotient() { # A B
	local a=$1 sign='' thousandths
	((a >= 0)) || sign=- a=$((-a))
	thousandths=$(($2 ? (1000 * a + $2 / 2) / $2 : 0))
	printf '%s%d.%03d' "$sign" $((thousandths / 1000)) $((thousandths % 1000))
}
