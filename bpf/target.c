/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the kernel's types and our own privilege; must not know the programs. */
#include "bpf/target.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/util.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define TLS_MODULE_BTF "/sys/kernel/btf/tls"
#define LOCKDOWN "/sys/kernel/security/lockdown"

int target_open(struct target *t)
{
	*t = (struct target){ .kernel = btf__load_vmlinux_btf() };
	if (!t->kernel)
		return -errno;
	if (!access(TLS_MODULE_BTF, F_OK))
		t->tls = btf__load_module_btf("tls", t->kernel);
	return 0;
}

void target_close(struct target *t)
{
	btf__free(t->tls);
	btf__free(t->kernel);
	*t = (struct target){ 0 };
}

/* From `first` on: a module's own types come after the kernel's. */
static bool has_type(const struct btf *btf, unsigned int first, const char *name, unsigned int kind)
{
	for (unsigned int id = first; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_kind(type) == kind &&
		    !strcmp(btf__name_by_offset(btf, type->name_off), name))
			return true;
	}
	return false;
}

bool target_has(const struct target *t, const char *section)
{
	const char *name = strchr(section, '/') + 1;
	unsigned int kind = BTF_KIND_FUNC;
	char typedef_name[96];

	if (!strncmp(section, "tp_btf/", 7)) {
		snprintf(typedef_name, sizeof(typedef_name), "btf_trace_%s", name);
		name = typedef_name;
		kind = BTF_KIND_TYPEDEF;
	}
	return has_type(t->tls, btf__type_cnt(t->kernel), name, kind) ||
	       has_type(t->kernel, 1, name, kind);
}

uint64_t target_feature(const struct target *t, const char *name)
{
	for (unsigned int id = 1; id < btf__type_cnt(t->kernel); id++) {
		const struct btf_type *type = btf__type_by_id(t->kernel, id);
		const struct btf_enum *e = btf_enum(type);

		if (btf_kind(type) != BTF_KIND_ENUM || type->name_off)
			continue;
		for (unsigned int i = 0; i < btf_vlen(type); i++)
			if (!strcmp(btf__name_by_offset(t->kernel, e[i].name_off), name))
				return 1ULL << e[i].val;
	}
	return 0;
}

/* With lockdown=confidentiality programs may not read kernel memory. */
static bool kernel_is_confidential(void)
{
	_cleanup_fd_ int fd = open(LOCKDOWN, O_RDONLY | O_CLOEXEC);
	char modes[128] = "";

	if (fd < 0 || read(fd, modes, sizeof(modes) - 1) < 0)
		return false;
	return strstr(modes, "[confidentiality]");
}

static bool kernel_knows_tls(void)
{
	struct target t;
	bool knows = true;

	if (access(TLS_MODULE_BTF, F_OK) && !target_open(&t)) {
		knows = has_type(t.kernel, 1, "tls_context", BTF_KIND_STRUCT);
		target_close(&t);
	}
	return knows;
}

/* The most basic cause first. CAP_SYS_ADMIN includes the other two, and they do not replace it: only
 * with it the kernel gives out the types of a module, which a program in tls is checked against. */
const char *target_explain(int error)
{
	bool is_admin = capability_is_effective(CAP_SYS_ADMIN);

	if (error == ENOSYS)
		return "the kernel has no bpf(2)";
	if (!is_admin && !capability_is_effective(CAP_BPF))
		return "no CAP_SYS_ADMIN, nor CAP_BPF";
	if (!is_admin && !capability_is_effective(CAP_PERFMON))
		return "no CAP_SYS_ADMIN, nor CAP_PERFMON";
	if (access(KERNEL_BTF, R_OK))
		return "no BTF: " KERNEL_BTF " is missing or unreadable";
	if (kernel_is_confidential())
		return "kernel lockdown is in confidentiality mode";
	if (!kernel_knows_tls())
		return "neither the kernel's BTF nor a loaded tls module has struct tls_context";
	return is_admin ? "the kernel refused the program" : "no CAP_SYS_ADMIN";
}
