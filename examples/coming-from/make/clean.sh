#!/bin/sh -eu
# Takes empty lines out of a table and sorts its rows by a column.
head -n 1 "$2"
tail -n +2 "$2" | grep . | sort -t, -k "$1,$1n"
