# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The Debian packages this project needs, by purpose, and their installation. To be
# sourced; works on Debian 12 and 13, from a bare chroot on.
#
#	deps_need GROUP...	install what is missing of these groups; as another user
#				than root: fail and print the command that would
#	deps_missing GROUP...	print the packages that are not installed, one a line

declare -gA DEPS_GROUPS=(
	[wolfssl]="gcc libc6-dev make autoconf automake libtool"
	[wolfssl-system]="libwolfssl-dev"
	[build]="cmake ninja-build gcc libc6-dev clang llvm pkgconf bpftool libbpf-dev uthash-dev
		libcap-ng-dev libcyaml-dev libhttp-parser-dev libjansson-dev libmicrohttpd-dev libmnl-dev
		libncurses-dev libseccomp-dev libsmartcols-dev libyaml-dev"
	[test]="bats bats-assert bats-support libcmocka-dev libssl-dev
		ca-certificates curl ethtool gnutls-bin media-types nginx openssl
		iproute2 jq mandoc procps prometheus strace tcpdump"
	[lint]="clang-format clang-tidy cppcheck git jq prometheus python3-jsonschema shellcheck yq"
	[fuzz]="clang libclang-rt-dev"
	[vm]="debian-archive-keyring kmod util-linux xz-utils"
	[page]="chromium fonts-dejavu-core openssl"
	[quickstart]="ca-certificates curl libcmocka-dev libssl-dev media-types openssl socat"
)

# Never to be started by being installed, neither now nor at the next boot.
DEPS_SERVICES=(nginx prometheus)

deps_say() {
	echo "deps: $*" >&2
}

deps_missing() { # GROUP...
	local group package
	for group; do
		[[ -v DEPS_GROUPS[$group] ]] || {
			deps_say "no group '$group' (known: ${!DEPS_GROUPS[*]})"
			return 1
		}
		# shellcheck disable=SC2086 # a list of words
		printf '%s\n' ${DEPS_GROUPS[$group]}
	done | sort -u | while read -r package; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
			echo "$package"
	done
	return "${PIPESTATUS[0]}"
}

deps_apt() { # ARGUMENT...
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=600 -o APT::Install-Recommends=false "$@" >&2
}

# Runs COMMAND while packages may not start services. The machine's own policy comes
# back afterwards, also after a failure, an interruption, or a run that was killed.
deps_without_services() ( # COMMAND...
	policy=/usr/sbin/policy-rc.d
	mark='# for the time of an installation by ktlsd'
	exec {lock}>/run/ktlsd-deps.lock
	flock "$lock"
	if [[ -e $policy ]] && ! grep -qxF "$mark" "$policy"; then
		mv "$policy" "$policy.ktlsd" || exit 1
	fi
	trap 'rm -f "$policy"; [[ ! -e $policy.ktlsd ]] || mv "$policy.ktlsd" "$policy"' EXIT
	printf '#!/bin/sh\n%s\nexit 101\n' "$mark" | install -m 755 /dev/stdin "$policy" || exit 1
	"$@"
)

deps_install() { # PACKAGE...
	local service
	# the lists may be absent, or too old to know the packages or where they are
	apt-get -qq --simulate install "$@" >/dev/null 2>&1 || deps_apt update || return 1
	if ! deps_without_services deps_apt install "$@"; then
		deps_apt update && deps_without_services deps_apt install "$@" || return 1
	fi
	for service in "${DEPS_SERVICES[@]}"; do
		[[ " $* " != *" $service "* ]] || update-rc.d "$service" disable >&2 || return 1
	done
}

deps_need() { # GROUP...
	local text
	local -a missing
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		deps_say "not a Debian system: the packages for $* are taken to be there"
		return
	fi
	text=$(deps_missing "$@") || return 1
	[[ $text ]] || return 0
	mapfile -t missing <<<"$text"
	if ((EUID)); then
		deps_say "missing packages (for $*); install them with"
		deps_say "  sudo apt-get install --no-install-recommends ${missing[*]}"
		return 1
	fi
	deps_say "installing (for $*): ${missing[*]}"
	deps_install "${missing[@]}" || {
		deps_say "could not install: ${missing[*]}"
		return 1
	}
}
