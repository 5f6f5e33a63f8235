# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A private apt root: downloads packages and sources of any Debian suite, with
# signatures checked by the Debian archive keyring, while the system's own apt
# sources, lists and dpkg state stay untouched. To be sourced; needs only apt and
# debian-archive-keyring, works as root and as an ordinary user, on Debian 12 and 13.
#
#	aptroot_init DIR			make the root (cheap, may be repeated)
#	aptroot_update DIR [SUITE]...		fetch the package lists (default: every suite)
#	aptroot_has_lists DIR SUITE		true when the suite's lists are there
#	aptroot_newest DIR SUITE GLOB		print the newest package name matching GLOB
#	aptroot_version DIR SUITE PACKAGE	print the version the suite offers
#	aptroot_depends DIR SUITE PACKAGE	print the names it depends on, one a line
#	aptroot_download DIR SUITE PACKAGE DESTDIR	print the path of the .deb
#	aptroot_closure DIR SUITE DESTDIR PACKAGE...	download them and all they depend on
#	aptroot_source DIR SUITE SOURCE[=VERSION] DESTDIR	print the path of the orig tarball
#
# Every suite has a root of its own below DIR, so a version is never chosen by pinning,
# and only the suites really asked for are fetched. All functions return non-zero and
# say why on stderr when they fail. KTLSD_DEBIAN_MIRROR and KTLSD_DEBIAN_SECURITY_MIRROR
# override the mirrors, which are otherwise those the host's own sources name.

# suite -> the types of its one source file
declare -gA APTROOT_SUITES=(
	[bookworm]="deb"
	[bookworm-security]="deb"
	[bookworm-backports]="deb"
	[trixie]="deb"
	[trixie-security]="deb"
	[trixie-backports]="deb"
	[sid]="deb deb-src"
)
APTROOT_KEYRING=${APTROOT_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

aptroot_die() {
	echo "aptroot: $*" >&2
	return 1
}

# The archive this machine uses already for RELEASE below /PATH, or nothing.
aptroot_host_uri() { # RELEASE PATH
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 2>/dev/null |
		awk -v release="$1" -v pattern="/$2(/|\$)" '$2 == release && $3 == "main" &&
			$1 ~ pattern { uri = uri ? uri : $1 } END { print uri }'
}

aptroot_mirror() { # SUITE
	local host uri
	# shellcheck source=/dev/null
	host=$(. /etc/os-release && echo "${VERSION_CODENAME:-none}")
	case $1 in
	*-security)
		uri=$(aptroot_host_uri "$host-security" debian-security)
		uri=${KTLSD_DEBIAN_SECURITY_MIRROR:-$uri}
		echo "${uri:-http://deb.debian.org/debian-security}"
		;;
	*)
		uri=$(aptroot_host_uri "$host" debian)
		uri=${KTLSD_DEBIAN_MIRROR:-$uri}
		echo "${uri:-http://deb.debian.org/debian}"
		;;
	esac
}

# How this machine reaches an archive (proxies, retries, clock) holds here too; what
# would weaken the signature check is deliberately not taken over.
aptroot_host_network() {
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::(https?::|ftp::|Retries |Check-Valid-Until |Check-Date )' || true
}

aptroot_write_conf() { # ROOT
	local root=$1
	aptroot_host_network
	cat <<-EOF
		Dir "$root/";
		Dir::Etc "etc";
		Dir::Etc::parts "apt.conf.d";
		Dir::Etc::main "apt.conf.main";
		Dir::Etc::sourcelist "none.list";
		Dir::Etc::sourceparts "sources.list.d";
		Dir::Etc::preferences "none.pref";
		Dir::Etc::preferencesparts "preferences.d";
		Dir::Etc::trusted "none.gpg";
		Dir::Etc::trustedparts "none.gpg.d";
		Dir::State "state";
		Dir::State::status "$root/state/status";
		Dir::Cache "cache";
		Dir::Log "log";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Install-Recommends "false";
		APT::Update::Post-Invoke { };
		APT::Get::AllowUnauthenticated "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::AllowWeakRepositories "false";
		Acquire::AllowDowngradeToInsecureRepositories "false";
		Acquire::Languages "none";
		Acquire::PDiffs "false";
		Acquire::GzipIndexes "true";
	EOF
}

aptroot_write_source() { # SUITE
	cat <<-EOF
		Types: ${APTROOT_SUITES[$1]}
		URIs: $(aptroot_mirror "$1")
		Suites: $1
		Components: main
		Signed-By: $APTROOT_KEYRING
	EOF
}

aptroot_init() { # DIR
	local dir suite root
	mkdir -p "$1" && dir=$(realpath "$1") || return 1
	command -v apt-get >/dev/null || aptroot_die "apt-get is missing" || return 1
	[[ -r $APTROOT_KEYRING ]] ||
		aptroot_die "$APTROOT_KEYRING is missing: install debian-archive-keyring" || return 1
	for suite in "${!APTROOT_SUITES[@]}"; do
		root=$dir/$suite
		[[ -e $root/apt.conf ]] && continue
		mkdir -p "$root"/{etc/{apt.conf.d,preferences.d,sources.list.d},state/lists/partial} \
			"$root"/{cache/archives/partial,log} || return 1
		: >"$root/state/status"
		aptroot_write_source "$suite" >"$root/etc/sources.list.d/$suite.sources"
		# last and atomically: its presence says that the root is complete
		aptroot_write_conf "$root" >"$root/apt.conf.$BASHPID" &&
			mv "$root/apt.conf.$BASHPID" "$root/apt.conf" || return 1
	done
}

aptroot_path() { # DIR SUITE
	[[ -e $1/$2/apt.conf ]] ||
		aptroot_die "$1 has no suite '$2' (known: ${!APTROOT_SUITES[*]})" || return 1
	realpath "$1/$2"
}

# apt has no patience with a second apt on the same lists, so calls take turns.
aptroot_locked() { # ROOT COMMAND...
	local root=$1
	shift
	APT_CONFIG=$root/apt.conf LC_ALL=C flock "$root/lock" "$@"
}

aptroot_query() { # ROOT COMMAND...
	local root=$1
	shift
	APT_CONFIG=$root/apt.conf LC_ALL=C "$@"
}

aptroot_has_lists() { # DIR SUITE
	local root
	root=$(aptroot_path "$1" "$2") || return 1
	[[ -e $root/state/updated ]]
}

aptroot_update() { # DIR [SUITE]...
	local dir=$1 suite root
	shift
	(($#)) || set -- "${!APTROOT_SUITES[@]}"
	for suite; do
		root=$(aptroot_path "$dir" "$suite") || return 1
		echo "aptroot: reading the package lists of $suite" >&2
		# -eany: a suite that could not be read is an error, not a warning
		aptroot_locked "$root" apt-get update -q=2 -eany >&2 ||
			aptroot_die "cannot read the package lists of $suite" || return 1
		touch "$root/state/updated"
	done
}

aptroot_newest() { # DIR SUITE GLOB
	local root name
	root=$(aptroot_path "$1" "$2") || return 1
	name=$(aptroot_query "$root" apt-cache pkgnames |
		while read -r name; do
			# shellcheck disable=SC2053
			if [[ $name == $3 ]]; then echo "$name"; fi
		done | sort -V | tail -n 1)
	[[ -n $name ]] || aptroot_die "$2 has no package that matches '$3'" || return 1
	echo "$name"
}

aptroot_version() { # DIR SUITE PACKAGE
	local root version
	root=$(aptroot_path "$1" "$2") || return 1
	version=$(aptroot_query "$root" apt-cache policy "$3" |
		awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }')
	[[ -n $version ]] || aptroot_die "$2 has no package $3" || return 1
	echo "$version"
}

aptroot_depends() { # DIR SUITE PACKAGE
	local root
	root=$(aptroot_path "$1" "$2") || return 1
	aptroot_query "$root" apt-cache depends --important "$3" |
		awk '$1 ~ /^\|?(Pre)?Depends:$/ { print $2 }'
}

# Runs an apt-get download command in a scratch directory of the root, then moves
# what it brought into DESTDIR; so a half-downloaded file never shows there.
aptroot_collect() { # ROOT DESTDIR PATTERN COMMAND...
	local root=$1 dest=$2 pattern=$3 scratch file files status=1
	shift 3
	mkdir -p "$dest" && scratch=$(mktemp -d "$root/cache/get.XXXXXX") || return 1
	# apt downloads as this user when it is started as root
	((EUID)) || ! id _apt >/dev/null 2>&1 || chown _apt: "$scratch"
	if (cd "$scratch" && aptroot_locked "$root" "$@" >&2); then
		mapfile -t files < <(find "$scratch" -maxdepth 1 -name "$pattern" -type f)
		((${#files[@]})) && status=0
		for file in "${files[@]}"; do
			mv -f "$file" "$dest/" && echo "$dest/${file##*/}" || status=1
		done
	fi
	rm -rf "$scratch"
	return "$status"
}

aptroot_download() { # DIR SUITE PACKAGE DESTDIR
	local root
	root=$(aptroot_path "$1" "$2") || return 1
	echo "aptroot: downloading $3 of $2" >&2
	aptroot_collect "$root" "$4" '*.deb' apt-get -q=2 download "$3" ||
		aptroot_die "cannot download $3 of $2" || return 1
}

# The dpkg state of the root is empty, so apt's own solver names the whole closure.
aptroot_closure() { # DIR SUITE DESTDIR PACKAGE...
	local root dest=$3 suite=$2 names
	root=$(aptroot_path "$1" "$2") || return 1
	shift 3
	mapfile -t names < <(aptroot_query "$root" apt-get install --simulate -q=2 "$@" |
		awk '$1 == "Inst" { print $2 }')
	((${#names[@]})) || aptroot_die "$suite cannot satisfy: $*" || return 1
	echo "aptroot: downloading $* of $suite (${#names[@]} packages)" >&2
	aptroot_collect "$root" "$dest" '*.deb' apt-get -q=2 download "${names[@]}" ||
		aptroot_die "cannot download $* of $suite" || return 1
}

aptroot_source() { # DIR SUITE SOURCE[=VERSION] DESTDIR
	local root
	root=$(aptroot_path "$1" "$2") || return 1
	[[ " ${APTROOT_SUITES[$2]} " == *" deb-src "* ]] ||
		aptroot_die "$2 is configured without sources" || return 1
	echo "aptroot: downloading the source of $3 of $2" >&2
	aptroot_collect "$root" "$4" '*.orig.tar.*[!c]' \
		apt-get -q=2 source --download-only --tar-only "$3" ||
		aptroot_die "cannot download the source of $3 of $2" || return 1
}
