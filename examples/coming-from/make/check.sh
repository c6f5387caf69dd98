#!/bin/sh -eu
# Fails if a value of a column stands in two rows.
twice=$(tail -n +2 "$2" | cut -d, -f "$1" | sort | uniq -d)
test -z "$twice" || { echo "$2: twice: $twice" >&2; exit 1; }
echo "$(basename "$2") has no row twice"
