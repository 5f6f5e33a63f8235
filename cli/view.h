/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `top` shows of a sample, and how keys change that. */
#ifndef KTLSD_CLI_VIEW_H
#define KTLSD_CLI_VIEW_H

#include <stdbool.h>
#include <stddef.h>

struct sample;
struct sample_row;
struct table;

enum { VIEW_WORD_MAX = 64, VIEW_COLUMNS_MAX = 96 };

struct view {
	const struct table *table; /* its columns */
	const char *sort;	   /* a name of sample_key() */
	bool reverse, paused, help, over;
	char owner[VIEW_WORD_MAX];  /* show only that owner; "" for all */
	char text[VIEW_WORD_MAX];   /* and only rows that have this */
	char *typing;		    /* which of the two is being typed, or NULL */
	char before[VIEW_WORD_MAX]; /* what it was */
	size_t first;		    /* row at the top */
	size_t first_column;	    /* at the left */
	size_t n;
	const struct sample_row **rows; /* owned; chosen and sorted */
	int widths[VIEW_COLUMNS_MAX];	/* so far the widest of each column; 0: not known */
};

void view_fini(struct view *view);

/* Chooses and sorts the sample's rows, which stay the sample's: 0 or -ENOMEM. */
int view_choose(struct view *view, const struct sample *sample);

/* Takes a key; true if rows must be chosen anew. */
bool view_key(struct view *view, int key);

void view_draw(struct view *view, const struct sample *sample);

#endif
