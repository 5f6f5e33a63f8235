/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scans a configuration with libyaml for the place of every key; knows no schema. */
#include "host/config_source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/util.h"
#include "host/config.h"

enum {
	DEPTH_MAX = 8, /* the schema needs 5 */
	NO_MARK = -1,
};

/* A node of the document: a mapping's key or a list's entry. The first one is the document. */
struct source_mark {
	int parent;
	char *key;	/* owned; NULL: an entry of a list */
	unsigned index; /* in the list */
	unsigned line;
};

/* The collections around the event at hand. */
struct scan {
	struct config_source *source;
	struct level {
		bool list;
		int mark;	 /* of the collection */
		int value;	 /* mapping: mark of the key whose value is next, or NO_MARK */
		unsigned length; /* list */
	} level[DEPTH_MAX];
	int depth;
	unsigned documents;
};

static void format_path(const struct config_source *s, int i, char *buf, size_t size)
{
	const struct source_mark *m = &s->marks[i];
	size_t len;

	if (m->parent == NO_MARK) {
		buf[0] = '\0';
		return;
	}
	format_path(s, m->parent, buf, size); /* no deeper than DEPTH_MAX */
	len = strlen(buf);
	if (m->key)
		snprintf(buf + len, size - len, "%s%s", len ? "." : "", m->key);
	else
		snprintf(buf + len, size - len, "[%u]", m->index);
}

unsigned config_source_line(const struct config_source *source, const char *key)
{
	unsigned line = 0;
	size_t best = 0;
	char path[256];

	for (size_t i = 0; i < source->n_marks; i++) {
		size_t len;

		format_path(source, (int)i, path, sizeof(path));
		len = strlen(path);
		if (strncmp(path, key, len) || (len && key[len] && !strchr(".[", key[len])))
			continue;
		if (len >= best) { /* of a key given twice, the second */
			best = len;
			line = source->marks[i].line;
		}
	}
	return line;
}

__attribute__((format(printf, 5, 0))) static void format_at(const struct config_source *s,
							    struct config_error *out, unsigned line,
							    const char *key, const char *fmt,
							    va_list args)
{
	size_t size = sizeof(out->text);
	char *text = out->text;
	size_t len;

	if (line)
		snprintf(text, size, "%s:%u: %s%s", s->path, line, key, *key ? ": " : "");
	else
		snprintf(text, size, "%s: %s%s", s->path, key, *key ? ": " : "");
	len = strlen(text);
	vsnprintf(text + len, size - len, fmt, args);
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void config_source_format(const struct config_source *source, struct config_error *out,
			  const char *key, const char *fmt, va_list args)
{
	format_at(source, out, config_source_line(source, key), key, fmt, args);
}

int config_source_reject(struct config_source *source, const char *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	config_source_format(source, source->error, key, fmt, args);
	va_end(args);
	return -EINVAL;
}

int config_source_reject_memory(struct config_source *source)
{
	config_source_reject(source, "", "out of memory");
	return -ENOMEM;
}

char *config_source_copy(struct config_source *source, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		config_source_reject_memory(source);
	return copy;
}

void *config_source_alloc(struct config_source *source, size_t n, size_t element)
{
	void *elements = calloc(n, element);

	if (!elements)
		config_source_reject_memory(source);
	return elements;
}

__attribute__((format(printf, 3, 4))) static int reject_line(struct config_source *s, size_t line,
							     const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_at(s, s->error, (unsigned)line, "", fmt, args);
	va_end(args);
	return -EINVAL;
}

/* The new mark's number, or -ENOMEM with the error filled. */
static int add_mark(struct config_source *s, int parent, size_t line)
{
	if (s->n_marks == s->size_marks) {
		size_t size = s->size_marks ? s->size_marks * 2 : 64;
		struct source_mark *marks = reallocarray(s->marks, size, sizeof(*marks));

		if (!marks)
			return config_source_reject_memory(s);
		s->marks = marks;
		s->size_marks = size;
	}
	s->marks[s->n_marks] = (struct source_mark){ .parent = parent, .line = (unsigned)line };
	return (int)s->n_marks++;
}

static int check_scalar(struct scan *scan, const yaml_event_t *event)
{
	const unsigned char *value = event->data.scalar.value;

	for (size_t i = 0; i < event->data.scalar.length; i++)
		if (value[i] < ' ' || value[i] == 0x7f)
			return reject_line(scan->source, event->start_mark.line + 1,
					   "a value holds a control character; remove it");
	return 0;
}

/* A mapping's key; its value is next. */
static int scan_key(struct scan *scan, struct level *level, const yaml_event_t *event)
{
	struct config_source *s = scan->source;
	size_t line = event->start_mark.line + 1;
	struct source_mark *mark;

	if (event->type != YAML_SCALAR_EVENT)
		return reject_line(s, line, "a key must be a single word");
	level->value = add_mark(s, level->mark, line);
	if (level->value < 0)
		return level->value;
	mark = &s->marks[level->value];
	mark->key = config_source_copy(s, (const char *)event->data.scalar.value);
	return mark->key ? 0 : -ENOMEM;
}

/* A value in its place: the mark it belongs to, or a negative errno. */
static int scan_place(struct scan *scan, const yaml_event_t *event)
{
	struct level *level;
	int mark;

	if (!scan->depth)
		return 0; /* the document */
	level = &scan->level[scan->depth - 1];
	if (level->list) {
		mark = add_mark(scan->source, level->mark, event->start_mark.line + 1);
		if (mark >= 0)
			scan->source->marks[mark].index = level->length++;
	} else {
		mark = level->value;
		level->value = NO_MARK;
	}
	return mark;
}

static int scan_value(struct scan *scan, const yaml_event_t *event)
{
	struct level *level = scan->depth ? &scan->level[scan->depth - 1] : NULL;
	int mark;

	if (level && !level->list && level->value == NO_MARK)
		return scan_key(scan, level, event);
	mark = scan_place(scan, event);
	if (mark < 0 || event->type == YAML_SCALAR_EVENT)
		return mark < 0 ? mark : 0;
	if (scan->depth == DEPTH_MAX)
		return reject_line(scan->source, event->start_mark.line + 1,
				   "nested too deep for any key; check the indentation");
	scan->level[scan->depth++] = (struct level){
		.list = event->type == YAML_SEQUENCE_START_EVENT, .mark = mark, .value = NO_MARK
	};
	return 0;
}

static int scan_event(struct scan *scan, const yaml_event_t *event)
{
	size_t line = event->start_mark.line + 1;
	int r = 0;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (scan->documents++)
			return reject_line(scan->source, line,
					   "a second document starts here; keep to one");
		return 0;
	case YAML_ALIAS_EVENT:
		return reject_line(scan->source, line,
				   "aliases are not supported; write the value out");
	case YAML_SCALAR_EVENT:
		r = check_scalar(scan, event);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		scan->depth--;
		return 0;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		break;
	default:
		return 0;
	}
	return r < 0 ? r : scan_value(scan, event);
}

static int reject_syntax(struct config_source *s, const yaml_parser_t *parser)
{
	size_t line = parser->problem_mark.line + 1;

	if (parser->error == YAML_MEMORY_ERROR)
		return config_source_reject_memory(s);
	if (parser->error == YAML_READER_ERROR) { /* bytes that are no text have no mark yet */
		line = 1;
		for (size_t i = 0; i < s->len && i < parser->problem_offset; i++)
			line += s->text[i] == '\n';
		return reject_line(s, line, "%s; write the file in UTF-8", parser->problem);
	}
	return reject_line(s, line,
			   "%s%s%s; check indentation (blanks, no tabs), colons and quotes",
			   parser->problem, parser->context ? " " : "",
			   parser->context ? parser->context : "");
}

static int scan_text(struct config_source *s, yaml_parser_t *parser)
{
	struct scan scan = { .source = s };
	bool more = true;
	int r = 0;

	yaml_parser_set_input_string(parser, (const unsigned char *)s->text, s->len);
	while (more && !r) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return reject_syntax(s, parser);
		more = event.type != YAML_STREAM_END_EVENT;
		r = scan_event(&scan, &event);
		yaml_event_delete(&event);
	}
	return r;
}

int config_source_init(struct config_source *source, const char *path, const char *text, size_t len,
		       struct config_error *error)
{
	yaml_parser_t parser;
	int r;

	*source = (struct config_source){ .path = path, .text = text, .len = len, .error = error };
	if (!yaml_parser_initialize(&parser))
		return config_source_reject_memory(source);
	r = add_mark(source, NO_MARK, 1);
	if (r >= 0)
		r = scan_text(source, &parser);
	yaml_parser_delete(&parser);
	return r;
}

void config_source_fini(struct config_source *source)
{
	for (size_t i = 0; i < source->n_marks; i++)
		free(source->marks[i].key);
	free(source->marks);
	source->marks = NULL;
	source->n_marks = source->size_marks = 0;
}
