# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What it takes to build a module for the guests' kernels on any host: the compiler of trixie,
# which 6.12 and later demand, and the kernels' headers, unpacked into a tree in the cache and
# entered by chroot. Sourced by build, which sets KMOD_CACHE and sources what vm sources.
#
#	toolchain_need			fills $KMOD_CACHE/toolchain unless that was done
#	toolchain_need_headers NAME RELEASE	unpacks the headers of a kernel into it
#	toolchain_run COMMAND...	runs it inside

TOOLCHAIN_SUITE=trixie
# No dependency names what Debian takes to be there: shell and small tools.
TOOLCHAIN_PACKAGES=(gcc-14 make libelf1t64 base-files bash coreutils dash diffutils findutils gawk
	grep perl-base sed)

# Runs a function, then says of a directory that it is complete, unless somebody said so before.
toolchain_once() { # MARK FUNCTION ARGUMENT...
	[[ -e $1 ]] || vm_locked toolchain_once_locked "$@"
}

toolchain_once_locked() { # MARK FUNCTION ARGUMENT...
	[[ -e $1 ]] || { "${@:2}" && touch "$1"; }
}

toolchain_need() {
	mkdir -p "$KMOD_CACHE" && toolchain_once "$KMOD_CACHE/toolchain/complete" toolchain_fetch
}

toolchain_fetch() {
	local scratch tree deb
	aptroot_init "$VM_APT" || return 1
	aptroot_has_lists "$VM_APT" "$TOOLCHAIN_SUITE" || vm_update_lists "$TOOLCHAIN_SUITE"
	rm -rf "$KMOD_CACHE"/.toolchain.* # of a fetch that was killed
	scratch=$(mktemp -d "$KMOD_CACHE/.toolchain.XXXXXX") && tree=$scratch/tree || return 1
	# lists that have grown old name files that are gone
	toolchain_download "$scratch/debs" || {
		vm_update_lists "$TOOLCHAIN_SUITE"
		toolchain_download "$scratch/debs" || return 1
	}
	for deb in "$scratch"/debs/*.deb; do
		dpkg-deb -x "$deb" "$tree" || return 1
	done
	# what the packages' scripts would have done
	ln -s gawk "$tree/usr/bin/awk" && ln -s gcc-14 "$tree/usr/bin/gcc" &&
		ln -s gcc-14 "$tree/usr/bin/gcc-12" && ln -s /proc/self/fd "$tree/dev/fd" &&
		touch "$tree/dev/null" && mkdir "$tree/headers" "$tree/build" || return 1
	rm -rf "$KMOD_CACHE/toolchain"
	mv -T "$tree" "$KMOD_CACHE/toolchain" && rm -rf "$scratch"
}

toolchain_download() { # DESTDIR
	aptroot_closure "$VM_APT" "$TOOLCHAIN_SUITE" "$1" "${TOOLCHAIN_PACKAGES[@]}" >/dev/null
}

toolchain_need_headers() { # NAME RELEASE
	toolchain_once "$KMOD_CACHE/toolchain/headers/$2" toolchain_fetch_headers "$@"
}

toolchain_fetch_headers() { # NAME RELEASE
	local suite package=linux-headers-$2 deb
	suite=$(toolchain_suite_of "$1" "$package") || {
		# shellcheck disable=SC2086 # a list of suites
		vm_update_lists ${KERNEL_SUITES[$1]}
		suite=$(toolchain_suite_of "$1" "$package")
	} || {
		vm_say "Debian has no $package any more: get its successor by 'vm fetch -k $1'"
		return 1
	}
	for package in "$package" $(aptroot_depends "$VM_APT" "$suite" "$package" |
		grep -E '^linux-(headers|kbuild)-'); do
		deb=$(aptroot_download "$VM_APT" "$suite" "$package" "$KMOD_CACHE") &&
			dpkg-deb -x "$deb" "$KMOD_CACHE/toolchain" || return 1
		rm -f "$deb"
	done
}

toolchain_suite_of() { # NAME PACKAGE
	local suite
	for suite in ${KERNEL_SUITES[$1]}; do
		! aptroot_version "$VM_APT" "$suite" "$2" >/dev/null 2>&1 || {
			echo "$suite"
			return
		}
	done
	return 1
}

# Compilers want /dev/null and objtool wants /proc. They are mounted for this command only; where
# we are in a chroot ourselves, the kernel may not let us say so, hence the lazy umount. Root's
# /proc may be missing, and others may not mount one.
toolchain_run() { # COMMAND...
	local -a enter=(unshare --mount)
	((EUID == 0)) || enter+=(--map-root-user)
	"${enter[@]}" true 2>/dev/null || enter+=(--propagation unchanged)
	# shellcheck disable=SC2016 # for the inner shell
	"${enter[@]}" bash -c '
		mount --bind /dev/null "$1/dev/null" || exit 1
		mount -t proc proc "$1/proc" 2>/dev/null || mount --rbind /proc "$1/proc" || exit 1
		env -i PATH=/usr/sbin:/usr/bin LC_ALL=C TMPDIR=/build chroot "$@"
		status=$?
		umount --lazy --recursive "$1/proc" "$1/dev/null"
		exit $status' _ "$KMOD_CACHE/toolchain" "$@"
}
