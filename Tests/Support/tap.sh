#!/bin/sh
# tap.sh LOG COMMAND…: runs a command between its caller and its pipes, and keeps in files named
# LOG.PID.* what goes in, what comes out, what it says on stderr, and its exit status.
log=$1.$$
shift
tee "$log.in" | { "$@" 2>"$log.errors"; echo $? >"$log.status"; } | tee "$log.out"
