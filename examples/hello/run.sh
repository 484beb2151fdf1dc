#!/usr/bin/env bash
# The smallest algorithm: what a task is given, and a little work. Needs bash and any Python 3.
cd "$(dirname "$0")" || exit 1
echo "hello from ${TAAS_ROLE:-worker}-${TAAS_INDEX:-0} on $HOSTNAME, attempt ${TAAS_ATTEMPT:-1}"
for argument; do printf 'argument: %q\n' "$argument"; done
env | grep -E '^(TAAS_|TF_CONFIG=|PET_|MASTER_|RANK=|WORLD_SIZE=)' | sort
exec python3 -u hello.py "$@"
