/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chooses what answers a request, and sends it piece by piece. */
#include "serve/response.h"

#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "serve/document.h"
#include "serve/http_range.h"
#include "serve/http_reply.h"
#include "serve/http_request.h"
#include "serve/multipart.h"

enum {
	RESPONSE_COST = 4096,	     /* whatever its length: a file is opened, a head written */
	PIECE_MAX = 2 * 1024 * 1024, /* of one sendfile() */
	PAGE = 4096,
};

_Static_assert(sizeof(struct multipart) <= POOL_BUFFER_LEN, "parts fit into a buffer");
_Static_assert(offsetof(struct pool_buffer, data) % alignof(struct multipart) == 0, "and are "
										    "aligned");

static struct multipart *parts_of(const struct response *r)
{
	return (struct multipart *)r->parts->data;
}

static struct response_event event_of(enum response_result result)
{
	return (struct response_event){ .result = result };
}

static struct response_event error_of(enum reason reason, int err)
{
	return (struct response_event){ .result = RESPONSE_ERROR, .reason = reason, .err = err };
}

void response_cut(struct response *r, struct response_env *env)
{
	r->left = 0;
	pool_put(env->pool, &r->parts);
	if (r->has_file)
		close(r->fd);
	r->has_file = false;
}

void response_drop(struct response *r, struct response_env *env)
{
	response_cut(r, env);
	pool_put(env->pool, &r->out);
	r->is_begun = false;
}

/* ---- beginning ---- */

static bool take_out(struct response *r, struct response_env *env)
{
	if (!r->out)
		r->out = pool_get(env->pool);
	if (r->out)
		r->out->off = r->out->len = 0;
	return r->out;
}

static void count_status(const struct response_env *env, int status)
{
	static const enum counter by_class[] = { COUNTER_RESPONSES_2XX, COUNTER_RESPONSES_3XX,
						 COUNTER_RESPONSES_4XX, COUNTER_RESPONSES_5XX };

	count_add(&env->counters->value[by_class[status / 100 - 2]], 1);
}

/* Puts the head into `out`, which is there. */
static void put_head(struct response *r, struct response_env *env, const struct http_head *h)
{
	r->out->len = (uint32_t)http_write_head((char *)r->out->data, h);
	r->keep_alive = h->keep_alive;
	r->is_begun = true;
	env->budget -= RESPONSE_COST;
	count_status(env, h->status);
}

static bool begin_parts(struct response *r, struct response_env *env, struct http_head *h,
			const struct http_range *range, int n)
{
	r->parts = pool_get(env->pool);
	if (!r->parts)
		return false;
	multipart_init(parts_of(r), h->entity, range, n);
	h->boundary = parts_of(r)->boundary;
	h->body_len = multipart_len(parts_of(r));
	return true;
}

/* Takes what of the open file is to be sent. False when memory is short. */
static bool begin_body(struct response *r, struct response_env *env, struct http_head *h,
		       const struct http_range *range, int n)
{
	if (h->status == 206 && n > 1)
		return begin_parts(r, env, h, range, n);
	if (h->status == 206) {
		h->range = range;
		r->off = (off_t)range->first;
		r->left = range->len;
	} else if (h->status == 200) {
		r->off = 0;
		r->left = h->entity->size;
	}
	return true;
}

/* Opens what the request names: 0 with the entity filled, or the status. */
static int open_file(struct response *r, const struct document_root *root,
		     const struct http_request *q, struct http_entity *e,
		     char location[HTTP_LOCATION_MAX])
{
	struct document_path path;
	int status, fd;

	if (q->method == HTTP_METHOD_OTHER)
		return 405;
	status = document_decode(&path, q->path);
	if (status)
		return status;
	fd = document_open(root, &path, e);
	if (fd == -301) {
		status = document_locate(location, &path);
		return status ? status : 301;
	}
	if (fd < 0) {
		if (fd <= -500)
			log_warning("status=%d errno=%s msg=\"a file cannot be opened\"", -fd,
				    log_errno(errno));
		return -fd;
	}
	r->fd = fd;
	r->has_file = true;
	return 0;
}

bool response_begin(struct response *r, struct response_env *env, const struct document_root *root,
		    const struct http_request *q)
{
	struct http_range range[HTTP_RANGES_MAX];
	char location[HTTP_LOCATION_MAX];
	struct http_entity e = { 0 };
	struct http_head h = { .keep_alive = q->keep_alive,
			       .head_only = q->method == HTTP_METHOD_HEAD,
			       .location = location,
			       .now = time(NULL) };
	int n = 0;

	if (!take_out(r, env))
		return false;
	h.status = open_file(r, root, q, &e, location);
	if (!h.status) {
		h.entity = &e;
		h.status = http_choose_status(q, &e, h.now, range, &n);
		if (!begin_body(r, env, &h, range, n))
			return false;
	}
	put_head(r, env, &h);
	if (h.head_only || (!r->left && !r->parts))
		response_cut(r, env);
	return true;
}

bool response_begin_status(struct response *r, struct response_env *env, int status, bool head_only)
{
	struct http_head h = { .status = status, .head_only = head_only, .now = time(NULL) };

	if (!take_out(r, env))
		return false;
	put_head(r, env, &h);
	return true;
}

/* ---- sending ---- */

static bool sends_in_kernel(const struct response_env *env)
{
	return env->channel->side[TX].mode == MODE_KERNEL;
}

/* Accounts n bytes that the channel has taken. */
static void sent(struct response_env *env, size_t n)
{
	env->bytes[TX] += n;
	count_add(&env->counters->value[COUNTER_TX_BYTES], (int64_t)n);
	count_add(&env->counters->payload[TX][env->channel->side[TX].mode], (int64_t)n);
}

/* Judges what the channel said to bytes offered; true if it took them. */
static bool channel_took(const struct channel_event *ev, struct response_event *out)
{
	if (ev->result == CHANNEL_DATA)
		return true;
	*out = ev->result == CHANNEL_AGAIN ? event_of(RESPONSE_WAIT) :
	       ev->result == CHANNEL_EOF   ? error_of(REASON_FILE_SHRANK, 0) :
					     error_of(ev->reason, ev->err);
	return false;
}

/* True if `out` is empty afterwards. */
static bool send_out(struct response *r, struct response_env *env, struct response_event *out)
{
	while (r->out && r->out->len) {
		struct pool_buffer *b = r->out;
		struct channel_event ev =
			r->left ? channel_send_more(env->channel, b->data + b->off, b->len) :
				  channel_send(env->channel, RECORD_DATA, b->data + b->off, b->len);

		if (!channel_took(&ev, out))
			return false;
		b->off += (uint32_t)ev.len;
		b->len -= (uint32_t)ev.len;
		r->begun_len = r->left && sends_in_kernel(env) ? (uint16_t)(r->begun_len + ev.len) :
								 0;
		sent(env, ev.len);
	}
	pool_put(env->pool, &r->out);
	return true;
}

/*
 * How much one sendfile() should send. Records of whole pages cost the kernel least, as it
 * encrypts them where they lie: a first record with our bytes in it, or one that begins within a
 * page, ends at the end of a page.
 */
static size_t piece_len(const struct response *r)
{
	uint64_t room = RECORD_PLAIN_MAX - r->begun_len;

	if ((!r->begun_len && r->off % PAGE == 0) || r->left <= room)
		return (size_t)MIN_OF(r->left, (uint64_t)PIECE_MAX);
	return (size_t)(room - ((uint64_t)r->off + room) % PAGE);
}

static bool send_file(struct response *r, struct response_env *env, struct response_event *out)
{
	struct channel_event ev = channel_sendfile(env->channel, r->fd, &r->off, piece_len(r));

	if (!channel_took(&ev, out))
		return false;
	r->begun_len = 0;
	r->left -= ev.len;
	env->budget -= (int)ev.len;
	sent(env, ev.len);
	count_add(&env->counters->value[COUNTER_SENDFILE_BYTES], (int64_t)ev.len);
	return true;
}

/* Reads from the file behind what `out` has, so that a short file shares its head's record. */
static bool read_file(struct response *r, struct response_env *env, struct response_event *out)
{
	struct pool_buffer *b;
	size_t len;
	ssize_t n;

	if (!r->out && !take_out(r, env)) {
		*out = error_of(REASON_NO_MEMORY, ENOMEM);
		return false;
	}
	b = r->out;
	len = (size_t)MIN_OF(r->left, (uint64_t)(RECORD_PLAIN_MAX - b->len));
	if (!len)
		return true;
	do
		n = pread(r->fd, b->data + b->len, len, r->off);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		*out = n ? error_of(REASON_FILE_FAILED, errno) : error_of(REASON_FILE_SHRANK, 0);
		return false;
	}
	b->len += (uint32_t)n;
	r->off += n;
	r->left -= (uint64_t)n;
	env->budget -= (int)n;
	count_add(&env->counters->value[COUNTER_COPIED_BYTES], n);
	return true;
}

/* What precedes the next part, or the closing line; *more says whether there was one. */
static bool next_part(struct response *r, struct response_env *env, bool *more,
		      struct response_event *out)
{
	const struct http_range *range;
	size_t len;

	*more = false;
	if (!r->parts)
		return true;
	if (!take_out(r, env)) {
		*out = error_of(REASON_NO_MEMORY, ENOMEM);
		return false;
	}
	range = multipart_next(parts_of(r), (char *)r->out->data, &len);
	r->out->len = (uint32_t)len;
	*more = len;
	if (range) {
		r->off = (off_t)range->first;
		r->left = range->len;
	}
	return true;
}

/* In the kernel: what is ours, then the file. True if both are sent. */
static bool send_by_kernel(struct response *r, struct response_env *env, struct response_event *out)
{
	if (!send_out(r, env, out))
		return false;
	while (r->left) {
		if (env->budget <= 0) {
			*out = event_of(RESPONSE_YIELD);
			return false;
		}
		if (!send_file(r, env, out))
			return false;
	}
	return true;
}

/* In user space: both by way of the buffer. True if both are sent. */
static bool send_by_copy(struct response *r, struct response_env *env, struct response_event *out)
{
	for (;;) {
		bool is_waiting = r->out && r->out->off;

		if (r->left && env->budget <= 0) {
			*out = event_of(RESPONSE_YIELD);
			return false;
		}
		if (r->left && !is_waiting && !read_file(r, env, out))
			return false;
		if (!send_out(r, env, out))
			return false;
		if (!r->left)
			return true;
	}
}

struct response_event response_send(struct response *r, struct response_env *env)
{
	struct response_event out;
	struct channel_event ev;
	bool more;

	do {
		if (!(sends_in_kernel(env) ? send_by_kernel : send_by_copy)(r, env, &out))
			return out;
		if (!next_part(r, env, &more, &out))
			return out;
	} while (more);
	pool_put(env->pool, &r->out);
	response_cut(r, env);
	ev = channel_flush(env->channel);
	return channel_took(&ev, &out) ? event_of(RESPONSE_DONE) : out;
}
