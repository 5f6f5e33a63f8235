# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Chooses, fetches and unpacks Debian's cloud kernels for the guests; knows nothing of
# QEMU. Sourced by vm, which sets VM_CACHE and VM_APT and sources aptroot.bash.
#
# A kernel is a directory $VM_CACHE/kernels/RELEASE with vmlinuz, config, version (that of
# the Debian package) and lib/modules/RELEASE. The file $VM_CACHE/kernels/NAME.release says
# which one NAME means; it changes only on "vm fetch".

# what the user may ask for -> the pattern of the package, and the suites that carry it
declare -gA KERNEL_GLOBS=(
	[6.1]='linux-image-6.1.*-cloud-amd64'
	[6.12]='linux-image-6.12.*-cloud-amd64'
	[newest]='linux-image-[0-9]*-cloud-amd64'
)
declare -gA KERNEL_SUITES=(
	[6.1]='bookworm bookworm-security'
	[6.12]='trixie trixie-security'
	[newest]='trixie-backports'
)
KERNEL_NAMES=(6.1 6.12 newest)

kernel_check_name() { # NAME
	[[ -v KERNEL_GLOBS[$1] ]] || vm_die "no kernel '$1': choose one of ${KERNEL_NAMES[*]}"
}

# The newest package of a name over its suites, as "SUITE PACKAGE VERSION".
kernel_choose() { # NAME
	local suite package
	for suite in ${KERNEL_SUITES[$1]}; do
		package=$(aptroot_newest "$VM_APT" "$suite" "${KERNEL_GLOBS[$1]}" 2>/dev/null) ||
			continue
		echo "$suite $package $(aptroot_version "$VM_APT" "$suite" "$package")"
	done | sort -V -k 2,2 | tail -n 1
}

# Since 6.19 the image package is empty and depends on binary, modules and base of the
# same release.
kernel_packages() { # SUITE PACKAGE
	echo "$2"
	aptroot_depends "$VM_APT" "$1" "$2" | awk -v release="-${2#linux-image-}" '
		/^linux-/ && substr($1, length($1) - length(release) + 1) == release'
}

kernel_download() { # SUITE PACKAGE DESTDIR
	local package deb
	for package in $(kernel_packages "$1" "$2"); do
		deb=$(aptroot_download "$VM_APT" "$1" "$package" "$3") &&
			dpkg-deb -x "$deb" "$3/root" || return 1
		rm -f "$deb"
	done
}

# Puts the unpacked packages into the layout above. Modules are stored uncompressed: a
# guest without hardware virtualisation needs seconds to unpack them.
kernel_arrange() { # RELEASE UNPACKED DESTDIR
	local release=$1 root=$2 dest=$3 modules=$2/usr/lib/modules/$1
	[[ -d $modules ]] || modules=$root/lib/modules/$release
	mkdir -p "$dest/lib/modules" || return 1
	if [[ -e $root/boot/vmlinuz-$release ]]; then
		mv "$root/boot/vmlinuz-$release" "$dest/vmlinuz" &&
			mv "$root/boot/config-$release" "$dest/config" || return 1
	else
		mv "$modules/vmlinuz" "$dest/vmlinuz" &&
			mv "$modules/config" "$dest/config" || return 1
	fi
	mv "$modules" "$dest/lib/modules/$release" || return 1
	find "$dest/lib/modules" -name '*.ko.xz' -print0 | xargs -0 -r -n 64 -P 2 xz -d -- &&
		depmod -b "$dest" "$release"
}

kernel_install() { # SUITE PACKAGE VERSION
	local release=${2#linux-image-} scratch
	[[ -e $VM_CACHE/kernels/$release/version ]] && return
	vm_say "fetching kernel $release ($3) from $1"
	rm -rf "$VM_CACHE"/kernels/.new.* # of a fetch that was killed
	scratch=$(mktemp -d "$VM_CACHE/kernels/.new.XXXXXX") || return 1
	if kernel_download "$1" "$2" "$scratch" &&
		kernel_arrange "$release" "$scratch/root" "$scratch/kernel" &&
		echo "$3" >"$scratch/kernel/version" &&
		mv -T "$scratch/kernel" "$VM_CACHE/kernels/$release"; then
		rm -rf "$scratch"
	else
		rm -rf "$scratch"
		return 1
	fi
}

# Makes NAME mean the newest kernel of its suites today.
kernel_fetch() { # NAME
	local suite package version
	mkdir -p "$VM_CACHE/kernels"
	# shellcheck disable=SC2086 # a list of suites
	vm_update_lists ${KERNEL_SUITES[$1]}
	read -r suite package version < <(kernel_choose "$1") ||
		vm_die "no kernel $1 in ${KERNEL_SUITES[$1]}"
	kernel_install "$suite" "$package" "$version" || vm_die "cannot fetch kernel $1"
	echo "${package#linux-image-}" >"$VM_CACHE/kernels/.$1.$$" &&
		mv "$VM_CACHE/kernels/.$1.$$" "$VM_CACHE/kernels/$1.release"
}

# Prints the release NAME means, or nothing when it is not in the cache.
kernel_cached() { # NAME
	local release
	[[ -e $VM_CACHE/kernels/$1.release ]] || return 0
	release=$(<"$VM_CACHE/kernels/$1.release")
	[[ ! -e $VM_CACHE/kernels/$release/version ]] || echo "$release"
}

# Fetches NAME unless the cache has it, one process at a time.
kernel_need() { # NAME
	[[ -z $(kernel_cached "$1") ]] || return 0
	vm_locked kernel_need_locked "$1"
}

kernel_need_locked() { # NAME
	[[ -n $(kernel_cached "$1") ]] || kernel_fetch "$1"
}

kernel_list() {
	local name release
	printf '%-8s %-30s %-22s %s\n' NAME RELEASE VERSION CACHED
	for name in "${KERNEL_NAMES[@]}"; do
		release=$(kernel_cached "$name")
		if [[ -n $release ]]; then
			printf '%-8s %-30s %-22s yes\n' "$name" "$release" \
				"$(<"$VM_CACHE/kernels/$release/version")"
		else
			printf '%-8s %-30s %-22s no\n' "$name" - -
		fi
	done
}
