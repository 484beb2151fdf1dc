#!/usr/bin/env bash
# torchrun finds the other nodes by the PET_ variables that TaaS sets; alone, it starts one process here.
cd "$(dirname "$0")" || exit 1
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec python3 -u launch.py train.py "$@"
