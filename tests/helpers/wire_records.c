/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire_records FILE
 *
 * Counts the TLS records in a capture of IPv4 over Ethernet (as tcpdump makes it on lo), one line
 * for each direction of a connection: its ports, whole records, bytes behind the last whole one,
 * and "bad" where what follows is no TLS record. The streams are put together by sequence number;
 * a gap is an error, as a capture that has lost something is no witness. Shares no code with the
 * project.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ETHERNET_LEN = 14, ETHERTYPE_AT = 12, IPV4 = 0x0800, TCP = 6, SYN = 2, HEADER_LEN = 5 };
enum { RECORD_MAX = 16384 + 256 };

/* One segment that came before what precedes it. */
struct early {
	struct early *next;
	uint32_t seq;
	size_t len;
	uint8_t bytes[];
};

struct flow {
	struct flow *next;
	uint32_t addresses[2];
	uint16_t ports[2]; /* network order */
	uint32_t seq;	   /* expected */
	struct early *early;
	uint8_t header[HEADER_LEN];
	size_t have;	  /* bytes of a header */
	size_t body_left; /* bytes of a record's body that are still to come */
	unsigned long long records, behind;
	bool is_bad;
};

static struct flow *flows;

static struct flow *find(const uint32_t addresses[2], const uint16_t ports[2], bool is_new)
{
	struct flow *f;

	for (f = is_new ? NULL : flows; f; f = f->next)
		if (!memcmp(f->addresses, addresses, sizeof(f->addresses)) &&
		    !memcmp(f->ports, ports, sizeof(f->ports)))
			return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		err(1, "memory");
	memcpy(f->addresses, addresses, sizeof(f->addresses));
	memcpy(f->ports, ports, sizeof(f->ports));
	f->next = flows;
	flows = f;
	return f;
}

static void take_header(struct flow *f)
{
	size_t len = (size_t)f->header[3] << 8 | f->header[4];

	f->have = 0;
	if (f->header[0] < 20 || f->header[0] > 24 || f->header[1] != 3 || len > RECORD_MAX)
		f->is_bad = true;
	f->body_left = len;
	if (!len && !f->is_bad)
		f->records++;
}

static void take_bytes(struct flow *f, const uint8_t *p, size_t len)
{
	while (len) {
		size_t n = 1;

		if (f->is_bad) {
			f->behind += len;
			return;
		}
		if (f->body_left) {
			n = len < f->body_left ? len : f->body_left;
			f->body_left -= n;
			f->behind = f->body_left ? f->behind + n : 0;
			f->records += !f->body_left;
		} else {
			f->header[f->have++] = *p;
			f->behind++;
			if (f->have == HEADER_LEN)
				take_header(f);
		}
		p += n;
		len -= n;
	}
}

/* Takes what is new of a segment: 0, or -1 when something is missing before it. */
static int take_segment(struct flow *f, uint32_t seq, const uint8_t *p, size_t len)
{
	uint32_t known = f->seq - seq;

	if ((int32_t)known < 0)
		return -1;
	if (known >= len)
		return 0;
	take_bytes(f, p + known, len - known);
	f->seq += (uint32_t)(len - known);
	return 0;
}

static void keep_early(struct flow *f, uint32_t seq, const uint8_t *p, size_t len)
{
	struct early *e = malloc(sizeof(*e) + len);

	if (!e)
		err(1, "memory");
	*e = (struct early){ .next = f->early, .seq = seq, .len = len };
	memcpy(e->bytes, p, len);
	f->early = e;
}

static void take_early(struct flow *f)
{
	struct early **at = &f->early;

	while (*at) {
		struct early *e = *at;

		if (take_segment(f, e->seq, e->bytes, e->len)) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		free(e);
		at = &f->early;
	}
}

static void take_packet(const uint8_t *p, size_t len)
{
	uint32_t addresses[2], seq;
	uint16_t ports[2], type;
	size_t ip_len, tcp_len, total;
	struct flow *f;

	if (len < ETHERNET_LEN + 20)
		return;
	memcpy(&type, p + ETHERTYPE_AT, sizeof(type));
	p += ETHERNET_LEN;
	if (ntohs(type) != IPV4 || p[9] != TCP)
		return;
	ip_len = (size_t)(p[0] & 15) * 4;
	total = (size_t)p[2] << 8 | p[3];
	/* segments that the kernel has joined past 64 KiB say 0 */
	if (!total)
		total = len - ETHERNET_LEN;
	if (total > len - ETHERNET_LEN || total < ip_len + 20)
		errx(1, "a packet was not captured whole");
	memcpy(addresses, p + 12, sizeof(addresses));
	memcpy(ports, p + ip_len, sizeof(ports));
	memcpy(&seq, p + ip_len + 4, sizeof(seq));
	seq = ntohl(seq);
	tcp_len = (size_t)(p[ip_len + 12] >> 4) * 4;
	f = find(addresses, ports, p[ip_len + 13] & SYN);
	if (p[ip_len + 13] & SYN) {
		f->seq = seq + 1;
		return;
	}
	if (total < ip_len + tcp_len)
		errx(1, "a TCP header is longer than its packet");
	p += ip_len + tcp_len;
	len = total - ip_len - tcp_len;
	if (!len)
		return; /* FIN has a number of its own */
	if (take_segment(f, seq, p, len))
		keep_early(f, seq, p, len);
	else
		take_early(f);
}

static void read_capture(FILE *file)
{
	static uint8_t packet[1 << 18];
	uint32_t head[6], record[4];

	if (fread(head, sizeof(head), 1, file) != 1 ||
	    (head[0] != 0xa1b2c3d4 && head[0] != 0xa1b23c4d) || head[5] != 1)
		errx(1, "no capture of Ethernet in this machine's byte order");
	while (fread(record, sizeof(record), 1, file) == 1) {
		if (record[2] > sizeof(packet) || fread(packet, 1, record[2], file) != record[2])
			errx(1, "the capture ends within a packet");
		if (record[2] != record[3])
			errx(1, "a packet was not captured whole");
		take_packet(packet, record[2]);
	}
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;

	if (!file)
		err(2, "usage: wire_records FILE");
	read_capture(file);
	fclose(file);
	for (struct flow *f = flows; f; f = f->next) {
		if (f->early)
			errx(1, "port %u: a segment is missing", ntohs(f->ports[0]));
		printf("%u %u %llu %llu%s\n", ntohs(f->ports[0]), ntohs(f->ports[1]), f->records,
		       f->behind, f->is_bad ? " bad" : "");
	}
	return 0;
}
