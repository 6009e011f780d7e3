#!/bin/sh
# Runs one RabbitMQ node until it ends, or until the process that wanted it is
# gone, however that process ended. Then the node is killed, and DIR removed.
#
#   rabbitmq_node.sh OWNER_PID DIR ROOT
#
# ROOT is where RabbitMQ is installed; see rabbitmq_root.sh. The node's settings
# come from the environment. Writes DIR/server.pid,
# DIR/output.log, and DIR/exited once the node has ended.

owner=$1
dir=$2
root=$3

in_root() { exec sh "$(dirname "$0")/rabbitmq_root.sh" "$root" "$@"; }

# A zombie counts as gone: not every container has an init that reaps.
alive() {
  { read -r pid name state rest <"/proc/$1/stat"; } 2>/dev/null &&
    [ "$state" != Z ]
}

# Its own epmd, which ends with the node; the nodes of a cluster share one. An
# epmd that the node starts itself would stay behind, so the node waits until
# this one answers.
epmd=
if [ "$OWN_EPMD" = yes ]; then
  in_root epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" >/dev/null 2>&1 &
  epmd=$!
fi
until (in_root epmd -port "$ERL_EPMD_PORT" -names) >/dev/null 2>&1; do
  [ -z "$epmd" ] || alive "$epmd" || break
  sleep 0.1
done

# "detached" makes the script become the Erlang VM instead of staying above it
# as a shell, so that server.pid can be signalled.
export detached=true
in_root /usr/lib/rabbitmq/bin/rabbitmq-server >>"$dir/output.log" 2>&1 &
server=$!
echo "$server" >"$dir/server.pid"

(
  while alive "$owner"; do sleep 0.5; done
  kill -KILL "$server"
) >/dev/null 2>&1 &
watch=$!

wait "$server"
status=$?
kill "$watch" $epmd 2>/dev/null
wait $epmd 2>/dev/null
if alive "$owner"; then
  echo "$status" >"$dir/exited"
else
  rm -rf "$dir"
fi
