# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The suites of ./runtests, one function suite_NAME each: install, build, run. To be sourced with
# deps.bash, progress.bash, build.bash and tally.bash; the current directory is the tree's root.
# The functions tap_NAME write TAP and run in the background of a progress line.

# A preset is built once in a run.
suites_build() { # PRESET
	[[ " ${SUITES_BUILT-} " != *" $1 "* ]] || return 0
	build_need wolfssl build test && build_wolfssl && build_preset "$1" || return 1
	SUITES_BUILT+=" $1"
}

# Runs COMMAND as one test: its output is shown if it fails. Exit code 77 is a skip.
tap_test() { # NAME COMMAND...
	local output status=0
	output=$("${@:2}" 2>&1) || status=$?
	case $status in
	0) echo "ok $1" ;;
	77) echo "ok $1 # skip ${output##*$'\n'}" ;;
	*)
		echo "not ok $1"
		printf '%s\n' "$output" | sed 's/^/# /'
		;;
	esac
}

# ---- lint ----

tap_lint() {
	local script
	for script in tests/lint/*; do
		[[ ! -x $script || -d $script ]] || tap_test "$script" "$script"
	done
}

suite_lint() {
	build_need build test lint && tally_run lint tap_lint
}

# ---- unit ----

# A program that ends by a signal or a sanitizer tells so itself; its whole output is its failure.
# $KTLSD_EXPECT says what the kernel must be able to do, as for bats.
tap_unit() { # PROGRAM...
	local program output status
	case ${KTLSD_EXPECT-} in
	ktls) export KTLSD_EXPECT_KTLS=1 KTLSD_EXPECT_REKEY=0 ;;
	ktls+rekey) export KTLSD_EXPECT_KTLS=1 KTLSD_EXPECT_REKEY=1 ;;
	esac
	for program; do
		status=0
		output=$(CMOCKA_MESSAGE_OUTPUT=TAP "$program" 2>&1) || status=$?
		printf '%s\n' "$output" | sed -E "s,^((not )?ok [0-9]+) - ,\1 ${program##*/}: ,"
		if ((status)) && ! grep -q '^not ok ' <<<"$output"; then
			echo "not ok ${program##*/} ended with exit code $status"
			printf '%s\n' "$output" | sed 's/^/# /'
		fi
	done
}

suite_unit() {
	suites_build dev && tally_run unit tap_unit build/dev/unit/test_*
}

suite_golden() {
	suites_build dev && tally_run golden tests/golden/run build/dev
}

# ---- fuzz ----

# Inputs found are kept for the next run; those in the tree are only read.
tap_fuzz_one() { # PROGRAM SECONDS
	local name=${1##*/} output status=0
	local -a options=("-max_total_time=$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
		-artifact_prefix=build/logs/)
	local -a inputs=("build/fuzz-corpus/$name")
	mkdir -p "${inputs[0]}"
	[[ ! -f tests/fuzz/$name.dict ]] || options+=("-dict=tests/fuzz/$name.dict")
	[[ ! -d tests/fuzz/corpus/$name ]] || inputs+=("tests/fuzz/corpus/$name")
	output=$("$1" "${options[@]}" "${inputs[@]}" 2>&1) || status=$?
	if ((status)); then
		printf 'not ok %s\n%s\n' "$name" "$(tail -n 80 <<<"$output" | sed 's/^/# /')"
	else
		printf 'ok %s: %s runs\n' "$name" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$output")"
	fi
}

tap_fuzz() { # SECONDS
	export -f tap_fuzz_one
	printf '%s\0' build/fuzz/fuzz/fuzz_* |
		xargs -0 -P "$(nproc)" -I '{}' bash -c 'tap_fuzz_one "$@"' _ '{}' "$1"
}

suite_fuzz() { # [SECONDS]
	build_need fuzz && suites_build fuzz && tally_run "fuzz ${1-20} s" tap_fuzz "${1-20}"
}

# ---- bats, here and in guests ----

tap_bats() { # BUILD EXPECT [FILTER]
	KTLSD_BUILD=$(realpath "$1") KTLSD_EXPECT=$2
	export KTLSD_BUILD KTLSD_EXPECT
	bats --tap --timing --print-output-on-failure ${3:+--filter "$3"} tests/bats
}

# The unit tests that are about the kernel too: those with a pair of sockets.
tap_inside() { # [FILTER]
	local -a names
	mapfile -t names < <(cd tests/unit && grep -l '"pair.h"' test_*.c)
	names=("${names[@]%.c}")
	[[ ${1-} ]] || tap_unit "${names[@]/#/$KTLSD_BUILD/unit/}"
	tap_bats "$KTLSD_BUILD" "$KTLSD_EXPECT" "$@"
}

# In a guest there is all that tests need: one may be skipped for what the kernel cannot or need not
# do, which $KTLSD_EXPECT decides, and for nothing else.
tap_strict() {
	# not by mawk, which waits for 4 KiB of input
	sed -uE -e '/ # skip (this kernel|user space) /b' -e '/^ok .* # skip /{' -e 's/^ok/not ok/' \
		-e 's/ # skip /: must not be skipped in a guest: /' -e '}'
}

# The guest sees this tree, at this path.
tap_guest() { # KERNEL BUILD EXPECT [FILTER]
	export KTLSD_BUILD=$PWD/$2 KTLSD_EXPECT=$3 KTLSD_TLSNIC
	KTLSD_TLSNIC=$(tests/kmod/build "$1") || return
	tests/vm/vm run -k "$1" --cpus "$(guest_cpus "$1")" --timeout 3600 -- \
		bash -c 'source tests/lib/suites.bash && tap_inside "$@"' _ "${@:4}" | tap_strict
}

suite_host() { # [FILTER]
	local expect=none
	[[ ! -e /proc/net/tls_stat ]] || expect=ktls
	suites_build dev && tally_run host tap_bats build/dev "$expect" "${@:1}"
}

# What a kernel must be able to do: a test that skips it there fails.
guest_expect() { # KERNEL
	case $1 in
	newest) echo ktls+rekey ;;
	*) echo ktls ;;
	esac
}

# Two CPUs take half as much time again as one: what needs several has the newest kernel.
guest_cpus() { # KERNEL
	case $1 in
	newest) echo 2 ;;
	*) echo 1 ;;
	esac
}

suite_vm() { # KERNEL [FILTER]
	build_need vm && suites_build release && build_tlsnic "$1" &&
		tally_run "vm $1" tap_guest "$1" build/release "$(guest_expect "$1")" "${@:2}"
}

suite_quickstart() {
	build_need vm && tally_run quickstart tap_test "./quickstart --once" ./quickstart --once
}

suite_runner() {
	build_need vm test && tally_run runner bats --tap tests/vm/selftest.bats
}

# Where npm came otherwise than by its package, that would not go together with it.
suite_page() {
	command -v npm >/dev/null || DEPS_GROUPS["page"]+=" nodejs npm"
	build_need page && suites_build dev && tally_run page tests/page/run build/dev
}

# ---- more tools ----

suite_tsan() { # [FILTER]
	suites_build tsan && tally_run "tsan unit" tap_unit build/tsan/unit/test_* &&
		tally_run "tsan host" tap_bats build/tsan none "${@:1}"
}

# Real clients, each version, both directions in the kernel: what another wolfSSL could break.
SUITES_SMOKE='cells of curl|64 MiB up and down|the probe says what the table says'

suite_system() {
	build_need wolfssl-system vm && suites_build system-wolfssl &&
		tally_run "system unit" tap_unit build/system-wolfssl/unit/test_* &&
		tally_run "system vm newest" tap_guest newest build/system-wolfssl ktls+rekey "$SUITES_SMOKE"
}

# gcc 12 forgets pointers that are kept in structures: leaks are for LeakSanitizer to find.
static_analyzer() {
	cmake -G Ninja -S . -B build/analyzer -DCMAKE_BUILD_TYPE=Debug -DKTLSD_TESTS=OFF \
		-DCMAKE_C_FLAGS='-fanalyzer -Werror -Wno-analyzer-malloc-leak' >/dev/null &&
		cmake --build build/analyzer -- -k 0
}

# One file at a time: clang-tidy 14 carries what it knows of va_list over to the next.
static_tidy() {
	git ls-files -z 'daemon/*.c' 'cli/*.c' 'bpf/*.c' ':!bpf/*.bpf.c' |
		xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet --warnings-as-errors='*' -p build/dev
}

static_cppcheck() {
	cppcheck --quiet --enable=warning,performance,portability --std=c11 --inline-suppr \
		--error-exitcode=1 --library=posix -D_GNU_SOURCE -Idaemon -I. \
		--include=/usr/include/utlist.h --include=/usr/include/uthash.h \
		--suppressions-list=<(sed '/^#/d' tests/lint/cppcheck.txt) -j "$(nproc)" \
		daemon cli bpf
}

tap_static() {
	tap_test "gcc -fanalyzer" static_analyzer
	tap_test clang-tidy static_tidy
	tap_test cppcheck static_cppcheck
}

suite_static() {
	build_need lint && suites_build dev && tally_run static tap_static
}
