#!/bin/sh
# Runs the epmd that the nodes of a cluster share, until the directory that is
# named is removed, or until the process that wanted it is gone.
#
#   shared_epmd.sh OWNER_PID DIR PORT ROOT
#
# ROOT is where RabbitMQ is installed; see rabbitmq_root.sh.

sh "$(dirname "$0")/rabbitmq_root.sh" "$4" epmd \
  -address 127.0.0.1 -port "$3" >/dev/null 2>&1 &
epmd=$!

# A zombie counts as gone: not every container has an init that reaps.
alive() {
  { read -r pid name state rest <"/proc/$1/stat"; } 2>/dev/null &&
    [ "$state" != Z ]
}

while alive "$1" && [ -d "$2" ]; do sleep 0.5; done
kill "$epmd"
rm -rf "$2"
