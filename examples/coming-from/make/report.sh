#!/bin/sh -eu
# Puts all tables into one page.
for file in "$@"; do
  echo "## $(basename "$file")"
  cat "$file"
done
