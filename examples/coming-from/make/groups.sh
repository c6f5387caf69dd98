#!/bin/sh -eu
# Counts the rows of each value of a column.
tail -n +2 "$3" | cut -d, -f "$2" | sort | uniq -c | while read -r count group; do
  echo "$1,$group,$count"
done
