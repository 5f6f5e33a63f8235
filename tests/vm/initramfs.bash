# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Builds the initramfs of a guest: a static busybox, our init and guest scripts, and the
# modules the kernel needs before it can mount the host's file system. Sourced by vm,
# which sets VM_CACHE and VM_DIR.

INITRAMFS_MODULES=(virtio_pci virtiofs overlay virtio_console)

# The files to load for the modules above, in order; built-in ones yield nothing.
initramfs_module_files() { # KERNELDIR RELEASE
	local module
	for module in "${INITRAMFS_MODULES[@]}"; do
		modprobe -d "$1" -S "$2" --show-depends "$module" |
			awk '$1 == "insmod" { print $2 }' || return 1
	done | awk '!seen[$0]++'
}

initramfs_populate() { # KERNELDIR RELEASE TREE
	local file files tree=$3
	mkdir -p "$tree"/{bin,dev,proc,sys,host,root,modules} &&
		cp "$VM_CACHE/tools/usr/bin/busybox" "$tree/bin/" &&
		ln -s busybox "$tree/bin/sh" &&
		cp "$VM_DIR/init" "$VM_DIR/guest" "$tree/" &&
		chmod 755 "$tree/init" "$tree/guest" || return 1
	files=$(initramfs_module_files "$1" "$2") || return 1
	for file in $files; do
		cp "$file" "$tree/modules/" && echo "${file##*/}" >>"$tree/modules/order" ||
			return 1
	done
	touch "$tree/modules/order"
}

# Prints the path of the initramfs for a kernel, built if the cache has none made of
# just these scripts.
initramfs_need() { # RELEASE
	local release=$1 key image scratch
	key=$(cat "$VM_DIR/init" "$VM_DIR/guest" "$VM_DIR/initramfs.bash" \
		"$VM_CACHE/tools/usr/bin/busybox" "$VM_CACHE/kernels/$release/version" |
		sha256sum | cut -c 1-16)
	image=$VM_CACHE/initramfs/$release-$key.cpio
	if [[ ! -e $image ]]; then
		mkdir -p "$VM_CACHE/initramfs" &&
			scratch=$(mktemp -d "$VM_CACHE/initramfs/.new.XXXXXX") || return 1
		if ! { initramfs_populate "$VM_CACHE/kernels/$release" "$release" \
			"$scratch/tree" && initramfs_pack "$scratch/tree" "$scratch/image" &&
			mv "$scratch/image" "$image"; }; then
			rm -rf "$scratch"
			return 1
		fi
		rm -rf "$scratch"
		initramfs_expire "$release" "$image"
	fi
	echo "$image"
}

initramfs_pack() { # TREE IMAGE
	(cd "$1" && find . | "$VM_CACHE/tools/usr/bin/busybox" cpio -o -H newc 2>/dev/null >"$2")
}

# Older scripts leave older images behind; a guest that is just starting may still read one.
initramfs_expire() { # RELEASE KEEP
	find "$VM_CACHE/initramfs" -maxdepth 1 -name "$1-*.cpio" ! -path "$2" -mmin +60 -delete
}
